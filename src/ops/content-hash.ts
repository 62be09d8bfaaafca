import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { posix } from 'node:path'
import { encodeName } from '../bytes/path-string.ts'
import { isSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import { compilePatterns, type ParentMatch, type PatternMatcher } from '../gostd/pattern-matcher.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'
import { fileDigest } from './file-digest.ts'
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
export function contentHash(
  tree: FileTree,
  selectors: readonly ContentSelector[],
  cache?: FileDigestCache,
): string {
  const hasher = new TreeHasher(tree, cache)
  const wanted = selectors.length === 0 ? [{ path: '/' }] : selectors
  const digests = wanted.map(selector => hasher.checksum(selector))
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

const sha256 = (data: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

interface Included {
  /** Path as the selector spells its beginning. */
  readonly path: string
  digest: string
  readonly followLink: boolean
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

  constructor(tree: FileTree, cache: FileDigestCache | undefined) {
    this.#tree = tree
    this.#cache = cache
  }

  checksum(selector: ContentSelector): string {
    const path = posix.join('/', selector.path)
    const filtered =
      (selector.includePatterns?.length ?? 0) > 0 || (selector.excludePatterns?.length ?? 0) > 0
    if (!selector.wildcard && !filtered) return this.#pathDigest(path, selector.followLinks ?? false)
    const { prefix, included } = this.#collect(path, selector)
    const [first] = included
    if (first === undefined) return sha256('')
    if (included.length === 1 && posix.basename(path) === posix.basename(first.path)) return first.digest
    const hash = createHash('sha256')
    for (const one of included) {
      const rest = one.path.startsWith(prefix) ? one.path.slice(prefix.length) : one.path
      hash.update(rest === '' ? Buffer.of(0) : pathKey(rest)).update(one.digest)
    }
    return `sha256:${hash.digest('hex')}`
  }

  #pathDigest(path: string, followLinks: boolean): string {
    const real = this.#resolve(path, followLinks)
    const entry = real === undefined ? undefined : this.#tree.lstat(real)
    if (real === undefined || entry === undefined)
      throw new SlipwayError('not-found', `${JSON.stringify(path)}: not found`)
    return entry.kind === 'directory' ? this.#directoryDigest(real) : this.#entryDigest(real, entry)
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

  #entryDigest(path: string, entry: Entry): string {
    const known = this.#cache?.get(path, entry)
    if (known !== undefined) return known
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

  #directoryDigest(path: string): string {
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    const entry = this.#tree.lstat(path)
    if (entry === undefined) throw new SlipwayError('not-found', `${JSON.stringify(path)}: not found`)
    const hash = createHash('sha256').update(Buffer.of(0)).update(this.#entryDigest(path, entry))
    for (const name of this.#tree.readdir(path)) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`
      const childEntry = this.#tree.lstat(child)
      if (childEntry === undefined) continue
      hash.update(pathKey(`/${name}`))
      hash.update(
        childEntry.kind === 'directory' ? this.#directoryDigest(child) : this.#entryDigest(child, childEntry),
      )
    }
    const digest = `sha256:${hash.digest('hex')}`
    this.#directories.set(path, digest)
    return digest
  }

  #collect(path: string, selector: ContentSelector): { prefix: string; included: Included[] } {
    const collector = new Collector(path, selector)
    const base = selector.wildcard ? splitWildcards(path).fixed : path
    const prefix = base === '/' ? '' : base
    const deeper = selector.wildcard ? containsWildcards(path) : false
    const start = prefix === '' ? '/' : this.#resolve(prefix, deeper)
    if (start !== undefined && this.#tree.lstat(start) !== undefined)
      this.#walk(start, prefix, undefined, collector)
    for (const one of collector.included) {
      if (one.followLink) one.digest = this.#pathDigest(one.path, true)
    }
    for (const required of selector.requiredPaths ?? []) {
      if (!collector.included.some(one => one.path.startsWith(required))) {
        throw new SlipwayError('not-found', `${JSON.stringify(required)}: not found`)
      }
    }
    return { prefix, included: collector.included }
  }

  /** Visits `real` (canonical), which the selector calls `shown`, and what is in it. */
  #walk(
    real: string,
    shown: string,
    parent: readonly OpenDirectory[] | undefined,
    collector: Collector,
  ): void {
    const entry = this.#tree.lstat(real)
    if (entry === undefined) return
    const open = parent ?? []
    if (entry.kind !== 'directory') {
      const match = collector.match(shown, open.at(-1))
      if (!match.matched) return
      const followLink = entry.kind === 'symlink' && open.length === 0 && collector.followLinks
      collector.list({ path: shown, digest: this.#entryDigest(real, entry), followLink }, open)
      return
    }
    const isBareRoot = shown === '' && collector.path === '/'
    const match = collector.match(shown, open.at(-1))
    let inside: readonly OpenDirectory[] = open
    if (!isBareRoot && match.selected) {
      const header: Included = { path: shown, digest: this.#entryDigest(real, entry), followLink: false }
      const directory: OpenDirectory = {
        header,
        listed: false,
        include: match.include,
        exclude: match.exclude,
      }
      if (match.matched) {
        collector.list(header, open)
        directory.listed = true
      }
      inside = [...open, directory]
    }
    for (const name of this.#tree.readdir(real)) {
      this.#walk(real === '/' ? `/${name}` : `${real}/${name}`, `${shown}/${name}`, inside, collector)
    }
  }
}

function compile(what: string, patterns: readonly string[] = []): PatternMatcher | undefined {
  try {
    return patterns.length === 0 ? undefined : compilePatterns(patterns)
  } catch (error) {
    throw wrapError(`invalid ${what}: [${patterns.join(' ')}]`, error)
  }
}

/** Decides what a selector with wildcards or patterns takes, in the order of the walk. */
class Collector {
  readonly path: string
  readonly followLinks: boolean
  readonly included: Included[] = []
  readonly #wildcard: boolean
  readonly #include: PatternMatcher | undefined
  readonly #exclude: PatternMatcher | undefined
  #matchedRoot = ''

  constructor(path: string, selector: ContentSelector) {
    this.path = path
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
      if (!parent.listed) this.included.push(parent.header)
      parent.listed = true
    }
    this.included.push(one)
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
