import { clone } from '@bufbuild/protobuf'
import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson as plainJson } from '../gostd/json.ts'
import {
  type ChownOpt,
  type FileAction,
  FileActionCopySchema,
  FileActionMkDirSchema,
  FileActionMkFileSchema,
  FileActionRmSchema,
  FileActionSymlinkSchema,
  type FileOp,
  type UserOpt,
} from '../proto/gen/ops_pb.ts'
import { cacheDigest } from './cache-digest.ts'
import type { ContentSelector } from './content-hash.ts'
import { goJson } from './go-json.ts'
import { containsWildcards } from './wildcard.ts'

/** Key ingredients of a file op: its own digest and, for each input, the part that counts by content. */
export interface FileCacheMap {
  readonly digest: string
  /** By input; undefined where the input counts as a whole, by its own keys. */
  readonly inputs: readonly (
    | { readonly selector: string; readonly content: readonly ContentSelector[] }
    | undefined
  )[]
}

/**
 * Source paths count only by what they contain: their directory part is not in the digest, so that a renamed parent still
 * matches. Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/ops/file.go
 */
export function fileCacheMap(op: FileOp, inputCount: number): FileCacheMap {
  const selectors = new Map<number, ContentSelector[]>()
  const whole = new Set<number>()
  const actions: string[] = []
  const indexes: number[][] = []
  for (const action of op.actions) {
    if (action.input !== -1n) whole.add(Number(action.input))
    actions.push(Buffer.from(actionJson(action, inputCount, selectors)).toString('base64'))
    indexes.push([Number(action.input), Number(action.secondaryInput), Number(action.output)])
  }
  const facts = { Type: 'buildkit.file.v0', Actions: actions, ...(isDefault(indexes) ? {} : { indexes }) }
  const inputs = Array.from({ length: inputCount }, (_, i) => {
    const wanted = selectors.get(i)
    if (wanted === undefined || whole.has(i)) return undefined
    const paths = wanted
      .map(selector => Buffer.from(selector.path))
      .sort((a, b) => Buffer.compare(a, b))
      .reverse()
    return { selector: cacheDigest(paths.join('\0')), content: dedupe(wanted) }
  })
  for (const i of selectors.keys()) {
    if (i < 0 || i >= inputCount) {
      throw new SlipwayError(
        'invalid-argument',
        `invalid input index ${i} in file op with ${inputCount} inputs`,
      )
    }
  }
  return { digest: cacheDigest(plainJson(facts)), inputs }
}

function actionJson(
  action: FileAction,
  inputCount: number,
  selectors: Map<number, ContentSelector[]>,
): string {
  const { action: one } = action
  switch (one.case) {
    case 'mkdir':
      addOwner(one.value.owner, selectors)
      return goJson(FileActionMkDirSchema, one.value)
    case 'mkfile':
      addOwner(one.value.owner, selectors)
      return goJson(FileActionMkFileSchema, one.value)
    case 'symlink':
      return goJson(FileActionSymlinkSchema, one.value)
    case 'rm':
      return goJson(FileActionRmSchema, one.value)
    case 'copy': {
      const copy = clone(FileActionCopySchema, one.value)
      addOwner(copy.owner, selectors)
      const from = Number(action.secondaryInput)
      if (from !== -1 && from < inputCount) {
        add(selectors, from, {
          path: copy.src,
          wildcard: copy.allowWildcard && containsWildcards(copy.src),
          followLinks: copy.followSymlink,
          includePatterns: copy.includePatterns,
          excludePatterns: copy.excludePatterns,
          requiredPaths: copy.requiredPaths,
        })
        copy.src = posix.basename(copy.src) || '/'
      }
      return goJson(FileActionCopySchema, copy)
    }
    case undefined:
      throw new SlipwayError('invalid-argument', 'invalid file action without an operation')
    default:
      return one satisfies never
  }
}

function add(selectors: Map<number, ContentSelector[]>, input: number, selector: ContentSelector): void {
  const list = selectors.get(input) ?? []
  selectors.set(input, list)
  list.push(selector)
}

function addOwner(owner: ChownOpt | undefined, selectors: Map<number, ContentSelector[]>): void {
  const named = (opt: UserOpt | undefined, path: string): void => {
    if (opt?.user.case !== 'byName') return
    const input = Number(opt.user.value.input)
    if (input >= 0) add(selectors, input, { path, followLinks: true })
  }
  named(owner?.user, '/etc/passwd')
  named(owner?.group, '/etc/group')
}

/**
 * The common chain of actions (each on the one before, the last one is the output), which older versions did not write
 * into the digest; it stays out of it.
 */
function isDefault(indexes: readonly (readonly number[])[]): boolean {
  const last = indexes.length - 1
  return (
    last >= 0 &&
    indexes.every(([input, secondary, output], i) => {
      const follows = i === 0 ? input === 0 : input === last + i
      return follows && (secondary === -1 || secondary === 1) && output === (i === last ? 0 : -1)
    })
  )
}

const filtered = (selector: ContentSelector): boolean =>
  selector.wildcard === true ||
  (selector.includePatterns?.length ?? 0) > 0 ||
  (selector.excludePatterns?.length ?? 0) > 0

/** Plain paths without those that lie below others, and everything with filters. Sorted by path. */
function dedupe(selectors: readonly ContentSelector[]): readonly ContentSelector[] {
  const plain = (followLinks: boolean): ContentSelector[] =>
    dedupePaths(
      selectors
        .filter(one => !filtered(one) && (one.followLinks ?? false) === followLinks)
        .map(one => one.path),
    ).map(path => ({ path, followLinks }))
  const all = [...plain(false), ...plain(true), ...selectors.filter(filtered)]
  return all.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
}

/** `paths` without repetitions and without what lies below another of them, sorted by bytes. */
export function dedupePaths(paths: readonly string[]): readonly string[] {
  if (paths.length <= 1) return paths
  const all = [...new Set(paths)]
  const below = (path: string): boolean =>
    all.some(other => other !== path && path.startsWith(other.endsWith('/') ? other : `${other}/`))
  return all.filter(path => !below(path)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
