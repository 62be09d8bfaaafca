import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type ChownOptSchema,
  type FileActionCopySchema,
  type FileOp,
  FileOpSchema,
} from '../proto/gen/ops_pb.ts'
import type { CopyAction, FileAction, Owner, UserRef } from './file-action.ts'
import type { InputList } from './input-list.ts'
import type { FileVertex } from './vertex.ts'

type Chown = MessageInitShape<typeof ChownOptSchema>

/** The wire form of file changes; inputs go into `inputs`, which must be empty. */
export function marshalFile(vertex: FileVertex, inputs: InputList): FileOp {
  const base = inputs.add(vertex.base)
  const copied = vertex.actions.map(action => (action.kind === 'copy' ? inputs.add(action.from) : -1))
  const size = inputs.inputs.length
  const last = vertex.actions.length - 1
  return create(FileOpSchema, {
    actions: vertex.actions.map((action, i) => ({
      input: BigInt(i === 0 ? base : size + i - 1),
      secondaryInput: BigInt(copied[i] ?? -1),
      output: i === last ? 0n : -1n,
      action: marshalAction(action, base),
    })),
  })
}

function marshalAction(action: FileAction, base: number) {
  switch (action.kind) {
    case 'mkdir':
      return {
        case: 'mkdir' as const,
        value: {
          path: action.path,
          mode: action.mode & 0o777,
          makeParents: action.parents,
          timestamp: action.created ?? -1n,
          ...owned(action.owner, base),
        },
      }
    case 'mkfile':
      return {
        case: 'mkfile' as const,
        value: {
          path: action.path,
          mode: action.mode & 0o777,
          data: action.data,
          timestamp: action.created ?? -1n,
          ...owned(action.owner, base),
        },
      }
    case 'rm': {
      const { path, allowNotFound = false, allowWildcard = false } = action
      return { case: 'rm' as const, value: { path, allowNotFound, allowWildcard } }
    }
    case 'symlink': {
      const { oldPath, newPath, owner, created = -1n } = action
      return {
        case: 'symlink' as const,
        value: { oldpath: oldPath, newpath: newPath, timestamp: created, ...owned(owner, base) },
      }
    }
    case 'copy':
      return { case: 'copy' as const, value: marshalCopy(action, base) }
  }
}

function marshalCopy(action: CopyAction, base: number): MessageInitShape<typeof FileActionCopySchema> {
  const { mode = -1 } = action
  return {
    src: action.source,
    dest: action.destination,
    ...owned(action.owner, base),
    ...(typeof mode === 'string' ? { modeStr: mode } : { mode }),
    followSymlink: action.followSymlinks ?? false,
    dirCopyContents: action.contentsOnly ?? false,
    attemptUnpackDockerCompatibility: action.unpack ?? false,
    createDestPath: action.createDestination ?? false,
    allowWildcard: action.allowWildcard ?? false,
    allowEmptyWildcard: action.allowEmptyWildcard ?? false,
    timestamp: action.created ?? -1n,
    includePatterns: [...(action.include ?? [])],
    excludePatterns: [...(action.exclude ?? [])],
    alwaysReplaceExistingDestPaths: action.replaceExisting ?? false,
    requiredPaths: [...(action.required ?? [])],
  }
}

function owned(owner: Owner | undefined, base: number): { owner?: Chown } {
  if (owner === undefined) return {}
  return {
    owner: {
      ...(owner.user === undefined ? {} : { user: marshalUser(owner.user, base) }),
      ...(owner.group === undefined ? {} : { group: marshalUser(owner.group, base) }),
    },
  }
}

function marshalUser(user: UserRef, base: number) {
  return 'name' in user
    ? { user: { case: 'byName' as const, value: { name: user.name, input: BigInt(base) } } }
    : { user: { case: 'byID' as const, value: user.id } }
}
