import { createHash, hash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { posix } from 'node:path'
import { inPieces, type Pieces } from '../async/pieces.ts'
import { encodeName } from '../bytes/path-string.ts'
import { isSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import { compilePatterns, type ParentMatch, type PatternMatcher } from '../gostd/pattern-matcher.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'
import { fileDigest, isLong, longFileDigest } from './file-digest.ts'
import { containsWildcards, splitWildcards } from './wildcard.ts'

/** Which part of a tree counts. */
export interface ContentSelector {
  readonly path: string
  readonly wildcard?: boolean
  readonly followLinks?: boolean
  readonly includePatterns?: readonly string[]
  readonly excludePatterns?: readonly string[]
  /** Paths that must be among what was found. */
  readonly requiredPaths?: readonly string[]
}

/** Remembers digests of files from one call to the next. `path` is canonical. */
export interface FileDigestCache {
  get(path: string, entry: Entry): string | undefined
  set(path: string, entry: Entry, digest: string): void
}

/**
 * Digest of the selected part of a tree. Two trees have the same digest where the selected files are the same in name,
 * mode, owner, type, size, link target, attributes and data; times never count. Equal to BuildKit's, so that caches can be
 * exchanged. Throws `not-found` (`"/x": not found`).
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/cache/contenthash/checksum.go
 */
export async function contentHash(
  tree: FileTree,
  selectors: readonly ContentSelector[],
  options: { readonly cache?: FileDigestCache | undefined; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const hasher = new TreeHasher(tree, options.cache)
  const wanted = selectors.length === 0 ? [{ path: '/' }] : selectors
  const digests: string[] = []
  for (const selector of wanted) digests.push(await inPieces(hasher.checksum(selector), options.signal))
  return sha256(digests.join('\0'))
}

/** The same of the tree of nothing, which has no files but is there. Throws `not-found`. */
export function emptyContentHash(selectors: readonly ContentSelector[]): string {
  const digests = (selectors.length === 0 ? [{ path: '/' }] : selectors).map(selector => {
    const path = posix.join('/', selector.path)
    if (path !== '/') throw new SlipwayError('not-found', `${path}: no such file or directory`)
    return sha256('')
  })
  return sha256(digests.join('\0'))
}

const sha256 = (data: string | Uint8Array): string => `sha256:${hash('sha256', data, 'hex')}`

interface Included {
  /** Path as the selector spells its beginning. */
  readonly path: string
  readonly digest: string
}

/** A directory on the way down, which is listed once something in it is. */
interface OpenDirectory {
  readonly header: Included
  listed: boolean
  readonly include: ParentMatch | undefined
  readonly exclude: ParentMatch | undefined
}

class TreeHasher {
  readonly #tree: FileTree
  readonly #cache: FileDigestCache | undefined
  readonly #directories = new Map<string, string>()
  #visited = 0

  constructor(tree: FileTree, cache: FileDigestCache | undefined) {
    this.#tree = tree
    this.#cache = cache
  }

  *checksum(selector: ContentSelector): Pieces<string> {
    const path = posix.join('/', selector.path)
    const filtered =
      (selector.includePatterns?.length ?? 0) > 0 || (selector.excludePatterns?.length ?? 0) > 0
    if (!selector.wildcard && !filtered) return yield* this.#pathDigest(path, selector.followLinks ?? false)
    return yield* this.#collect(path, selector)
  }

  *#pathDigest(path: string, followLinks: boolean): Pieces<string> {
    const real = this.#resolve(path, followLinks)
    const entry = real === undefined ? undefined : this.#tree.lstat(real)
    if (real === undefined || entry === undefined)
      throw new SlipwayError('not-found', `${JSON.stringify(path)}: not found`)
    return entry.kind === 'directory'
      ? yield* this.#directoryDigest(real)
      : yield* whole(this.#entryDigest(real, entry))
  }

  /** Undefined where something on the way is no directory: what is below it is not there. */
  #resolve(path: string, followLast: boolean): string | undefined {
    try {
      return this.#tree.resolve(path, { followLast })
    } catch (e) {
      if (isSlipwayError(e) && e.message.endsWith(': not a directory')) return undefined
      throw e
    }
  }

  /** In pieces where it has to be: most files are small, and there are many. */
  #entryDigest(path: string, entry: Entry): string | Pieces<string> {
    const known = this.#cache?.get(path, entry)
    if (known !== undefined) return known
    if (isLong(entry)) return this.#longDigest(path, entry)
    const xattrs = this.#tree.xattrs(path)
    if (entry.kind !== 'file' || entry.size === 0) return fileDigest(entry, xattrs)
    const fd = this.#tree.open(path)
    try {
      const digest = fileDigest(entry, xattrs, fd)
      this.#cache?.set(path, entry, digest)
      return digest
    } finally {
      closeSync(fd)
    }
  }

  *#longDigest(path: string, entry: Entry): Pieces<string> {
    const fd = this.#tree.open(path)
    try {
      const digest = yield* longFileDigest(entry, this.#tree.xattrs(path), fd)
      this.#cache?.set(path, entry, digest)
      return digest
    } finally {
      closeSync(fd)
    }
  }

  *#directoryDigest(path: string): Pieces<string> {
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    const entry = this.#tree.lstat(path)
    if (entry === undefined) throw new SlipwayError('not-found', `${JSON.stringify(path)}: not found`)
    const state = createHash('sha256')
      .update(Buffer.of(0))
      .update(yield* whole(this.#entryDigest(path, entry)))
    for (const name of this.#tree.readdir(path)) {
      if (this.#isTurn()) yield
      const child = path === '/' ? `/${name}` : `${path}/${name}`
      const childEntry = this.#tree.lstat(child)
      if (childEntry === undefined) continue
      state.update(pathKey(`/${name}`))
      const digest =
        childEntry.kind === 'directory'
          ? yield* this.#directoryDigest(child)
          : this.#entryDigest(child, childEntry)
      state.update(typeof digest === 'string' ? digest : yield* digest)
    }
    const digest = `sha256:${state.digest('hex')}`
    this.#directories.set(path, digest)
    return digest
  }

  *#collect(path: string, selector: ContentSelector): Pieces<string> {
    const base = selector.wildcard ? splitWildcards(path).fixed : path
    const prefix = base === '/' ? '' : base
    const collector = new Collector(path, prefix, selector)
    const deeper = selector.wildcard ? containsWildcards(path) : false
    const start = prefix === '' ? '/' : this.#resolve(prefix, deeper)
    if (start !== undefined && this.#tree.lstat(start) !== undefined)
      yield* this.#walk(start, prefix, [], collector)
    return collector.digest()
  }

  /** Visits `real` (canonical), which the selector calls `shown`, and what is in it. */
  *#walk(real: string, shown: string, open: readonly OpenDirectory[], collector: Collector): Pieces<void> {
    const entry = this.#tree.lstat(real)
    if (entry === undefined) return
    if (entry.kind !== 'directory') {
      const listing = this.#leaf(real, shown, entry, open, collector)
      if (listing !== undefined) yield* listing
      return
    }
    const isBareRoot = shown === '' && collector.path === '/'
    const match = collector.match(shown, open.at(-1))
    let inside = open
    if (!isBareRoot && match.selected) {
      const header: Included = { path: shown, digest: yield* whole(this.#entryDigest(real, entry)) }
      const { include, exclude, matched } = match
      if (matched) collector.list(header, open)
      inside = [...open, { header, listed: matched, include, exclude }]
    }
    for (const name of this.#tree.readdir(real)) {
      if (this.#isTurn()) yield
      const child = real === '/' ? `/${name}` : `${real}/${name}`
      const below = this.#tree.lstat(child)
      if (below === undefined) continue
      const listing =
        below.kind === 'directory'
          ? this.#walk(child, `${shown}/${name}`, inside, collector)
          : this.#leaf(child, `${shown}/${name}`, below, inside, collector)
      if (listing !== undefined) yield* listing
    }
  }

  /** Lists what is no directory; answers what is left to do where that takes long. */
  #leaf(
    real: string,
    shown: string,
    entry: Entry,
    open: readonly OpenDirectory[],
    collector: Collector,
  ): Pieces<void> | undefined {
    if (!collector.match(shown, open.at(-1)).matched) return undefined
    const isFollowed = entry.kind === 'symlink' && open.length === 0 && collector.followLinks
    const digest = isFollowed ? this.#pathDigest(shown, true) : this.#entryDigest(real, entry)
    if (typeof digest !== 'string') return listLater(collector, shown, digest, open)
    collector.list({ path: shown, digest }, open)
    return undefined
  }

  /** Once for every few entries. */
  #isTurn(): boolean {
    this.#visited = (this.#visited + 1) % entriesInATurn
    return this.#visited === 0
  }
}

/** Small files that are looked at without a break. */
const entriesInATurn = 32

function* listLater(
  collector: Collector,
  path: string,
  digest: Pieces<string>,
  open: readonly OpenDirectory[],
): Pieces<void> {
  collector.list({ path, digest: yield* digest }, open)
}

function* whole(digest: string | Pieces<string>): Pieces<string> {
  return typeof digest === 'string' ? digest : yield* digest
}

function compile(what: string, patterns: readonly string[] = []): PatternMatcher | undefined {
  try {
    return patterns.length === 0 ? undefined : compilePatterns(patterns)
  } catch (error) {
    throw wrapError(`invalid ${what}: [${patterns.join(' ')}]`, error)
  }
}

/** Decides what a selector with wildcards or patterns takes, and digests it, in the order of the walk. */
class Collector {
  readonly path: string
  readonly followLinks: boolean
  readonly #prefix: string
  readonly #hash = createHash('sha256')
  #first: Included | undefined
  #isOnly = true
  /** Of the paths that must be found, those that were not yet. */
  readonly #missing: Set<string>
  readonly #wildcard: boolean
  readonly #include: PatternMatcher | undefined
  readonly #exclude: PatternMatcher | undefined
  #matchedRoot = ''

  /** `prefix`: the part of the path that does not count. */
  constructor(path: string, prefix: string, selector: ContentSelector) {
    this.path = path
    this.#prefix = prefix
    this.#missing = new Set(selector.requiredPaths)
    this.followLinks = selector.followLinks ?? false
    this.#wildcard = selector.wildcard ?? false
    this.#include = compile('includepatterns', selector.includePatterns)
    this.#exclude = compile('excludepatterns', selector.excludePatterns)
  }

  /** `selected`: the path lies in what the wildcard chose; `matched`: the patterns take it too. */
  match(
    shown: string,
    parent: OpenDirectory | undefined,
  ): {
    selected: boolean
    matched: boolean
    include: ParentMatch | undefined
    exclude: ParentMatch | undefined
  } {
    const root = this.#rootOf(shown)
    if (root === undefined) return { selected: false, matched: false, include: undefined, exclude: undefined }
    const candidate = shown.slice(root.length + 1)
    const include = this.#include?.matchesBelow(candidate, parent?.include)
    if (include && !include.matched)
      return { selected: true, matched: false, include: include.info, exclude: undefined }
    const exclude = this.#exclude?.matchesBelow(candidate, parent?.exclude)
    return { selected: true, matched: !exclude?.matched, include: include?.info, exclude: exclude?.info }
  }

  list(one: Included, parents: readonly OpenDirectory[]): void {
    for (const parent of parents) {
      if (!parent.listed) this.#add(parent.header)
      parent.listed = true
    }
    this.#add(one)
  }

  /** The digest of all that was listed. Throws `not-found` for a path that had to be. */
  digest(): string {
    for (const path of this.#missing)
      throw new SlipwayError('not-found', `${JSON.stringify(path)}: not found`)
    const first = this.#first
    if (first === undefined) return sha256('')
    if (this.#isOnly && posix.basename(this.path) === posix.basename(first.path)) return first.digest
    return `sha256:${this.#hash.digest('hex')}`
  }

  #add({ path, digest }: Included): void {
    if (this.#first === undefined) this.#first = { path, digest }
    else this.#isOnly = false
    for (const required of this.#missing) if (path.startsWith(required)) this.#missing.delete(required)
    const rest = path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : path
    this.#hash.update(rest === '' ? Buffer.of(0) : pathKey(rest)).update(digest)
  }

  /** The path below which `shown` is taken, or undefined. */
  #rootOf(shown: string): string | undefined {
    if (!this.#wildcard) return this.path === '/' ? '' : this.path
    if (this.#matchedRoot !== '' && shown.startsWith(`${this.#matchedRoot}/`)) return this.#matchedRoot
    if (!filepathMatch(this.path, shown)) return undefined
    this.#matchedRoot = shown
    return shown
  }
}

/** A path in the form that is hashed: every slash is a zero byte. */
function pathKey(path: string): Buffer {
  const bytes = encodeName(path)
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0x2f) bytes[i] = 0
  return bytes
}
