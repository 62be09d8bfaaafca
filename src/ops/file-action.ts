import { posix } from 'node:path'
import { inPieces } from '../async/pieces.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type {
  FileAction,
  FileActionCopy,
  FileActionMkDir,
  FileActionMkFile,
  FileActionRm,
  FileActionSymlink,
} from '../proto/gen/ops_pb.ts'
import type { EntryAttributes, FileTree, WritableTree } from '../snapshot/tree.ts'
import { writeFully } from '../sys/copy-file.ts'
import { copyTree, makeDirectories } from './copy-tree.ts'
import type { Owner } from './owner.ts'
import { unpackArchive } from './unpack-archive.ts'
import { resolveWildcards } from './wildcard.ts'

/** What an action works with. */
export interface ActionContext {
  readonly target: WritableTree
  /** Where a copy takes from; undefined for other actions. */
  readonly source: FileTree | undefined
  readonly owner: Owner | undefined
  readonly signal: AbortSignal
}

/**
 * Does one action of a file op. Throws `not-found`, `failed-precondition`, with paths as they are inside the image.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/file/backend.go
 */
export async function applyAction(action: FileAction, ctx: ActionContext): Promise<void> {
  const { action: one } = action
  switch (one.case) {
    case 'mkdir':
      return makeDirectory(one.value, ctx)
    case 'mkfile':
      return makeFile(one.value, ctx)
    case 'symlink':
      return makeSymlink(one.value, ctx)
    case 'rm':
      return removePath(one.value, ctx)
    case 'copy':
      return copy(one.value, ctx)
    case undefined:
      throw new SlipwayError('invalid-argument', 'invalid file action without an operation')
    default:
      return one satisfies never
  }
}

function attributesOf(ctx: ActionContext, timestamp: bigint, mode: number): EntryAttributes {
  return {
    mode,
    uid: ctx.owner?.uid ?? 0,
    gid: ctx.owner?.gid ?? 0,
    ...(timestamp === -1n ? {} : { mtimeNs: timestamp }),
  }
}

function makeDirectory(action: FileActionMkDir, ctx: ActionContext): void {
  const path = ctx.target.resolve(posix.join('/', action.path))
  const mode = action.mode & 0o777
  const attributes = attributesOf(ctx, action.timestamp, mode)
  if (action.makeParents) {
    makeDirectories(ctx.target, path, mode, attributes)
    return
  }
  if (ctx.target.lstat(path) !== undefined) return
  requireDirectory(ctx.target, posix.dirname(path), `mkdir ${path}`)
  ctx.target.mkdir(path, attributes)
}

function requireDirectory(tree: FileTree, path: string, what: string): void {
  const kind = tree.lstat(path)?.kind
  if (kind === undefined) throw new SlipwayError('not-found', `${what}: no such file or directory`)
  if (kind !== 'directory') throw new SlipwayError('failed-precondition', `${what}: not a directory`)
}

function makeFile(action: FileActionMkFile, ctx: ActionContext): void {
  const path = ctx.target.resolve(posix.join('/', action.path))
  requireDirectory(ctx.target, posix.dirname(path), `open ${path}`)
  if (ctx.target.lstat(path)?.kind === 'directory')
    throw new SlipwayError('failed-precondition', `open ${path}: is a directory`)
  ctx.target.writeFile(path, attributesOf(ctx, action.timestamp, action.mode & 0o777), fd =>
    writeFully(fd, action.data),
  )
}

function makeSymlink(action: FileActionSymlink, ctx: ActionContext): void {
  const path = ctx.target.resolve(posix.join('/', action.newpath))
  if (ctx.target.lstat(path) !== undefined) {
    throw new SlipwayError('already-exists', `symlink ${action.oldpath} ${path}: file exists`)
  }
  requireDirectory(ctx.target, posix.dirname(path), `symlink ${action.oldpath} ${path}`)
  ctx.target.symlink(path, action.oldpath, attributesOf(ctx, action.timestamp, 0o777))
}

function removePath(action: FileActionRm, ctx: ActionContext): void {
  const paths = action.allowWildcard
    ? resolveWildcards(ctx.target, posix.join('/', action.path), false)
    : [action.path]
  for (const path of paths) {
    const clean = posix.join('/', path)
    if (clean === '/') throw new SlipwayError('invalid-argument', 'rmPath: invalid empty path')
    const real = posix.join(ctx.target.resolve(posix.dirname(clean)), posix.basename(clean))
    if (ctx.target.lstat(real) !== undefined) ctx.target.remove(real)
    else if (!action.allowNotFound)
      throw new SlipwayError('not-found', `stat ${clean}: no such file or directory`)
  }
}

/** A cleaned path that keeps the trailing slash by which a destination says that it is a directory. */
function cleanPath(path: string): string {
  const clean = posix.join('/', path)
  if (clean === '/') return clean
  if (path.endsWith('/.')) return `${clean}/`
  return clean
}

async function copy(action: FileActionCopy, ctx: ActionContext): Promise<void> {
  const { source, target } = ctx
  if (source === undefined) throw new SlipwayError('internal', 'a copy without a tree to copy from')
  const to = cleanPath(action.dest)
  if (!action.createDestPath) {
    const parent = posix.dirname(target.resolve(posix.join('/', action.dest)))
    requireDirectory(target, parent, `failed to stat ${action.dest}: lstat ${parent}`)
  }
  const from = cleanPath(action.src)
  const paths = action.allowWildcard ? resolveWildcards(source, from, action.followSymlink) : [from]
  if (paths.length === 0 && !action.allowEmptyWildcard)
    throw new SlipwayError('not-found', `${from} not found`)
  const mtimeNs = action.timestamp === -1n ? undefined : action.timestamp
  for (const path of paths) {
    if (
      action.attemptUnpackDockerCompatibility &&
      (await unpackArchive(path, to, { ...ctx, source, mtimeNs }))
    )
      continue
    const work = copyTree(source, path, target, to, {
      includePatterns: action.includePatterns,
      excludePatterns: action.excludePatterns,
      directoryContents: action.dirCopyContents,
      followLinks: action.followSymlink,
      replace: action.alwaysReplaceExistingDestPaths,
      ...(ctx.owner === undefined ? {} : { owner: ctx.owner }),
      ...(mtimeNs === undefined ? {} : { mtimeNs }),
      ...(action.modeStr === '' ? {} : { symbolicMode: action.modeStr }),
      ...(action.mode === -1 || action.modeStr !== '' ? {} : { mode: action.mode }),
    })
    await inPieces(work, ctx.signal)
  }
}
