import { openSync, constants } from 'node:fs'
import { join } from 'node:path'
import { compareNames, fsPath } from '../bytes/path-string.ts'
import { compilePatterns, type ParentMatch, type PatternMatcher } from '../gostd/pattern-matcher.ts'
import { getXattrs } from '../sys/xattr.ts'
import { listNames } from './list-names.ts'
import { entryOf, statPath } from './read-entry.ts'
import type { LocalFilter } from './ref.ts'
import { joinPath, parentOf, resolvePath } from './resolve-path.ts'
import type { Entry, FileTree } from './tree.ts'

/** How patterns answer for a directory, kept for what is in it. */
interface DirectoryMatch {
  readonly include: ParentMatch | undefined
  readonly exclude: ParentMatch | undefined
}

/**
 * A directory of this machine, read in place, as far as its filter lets it be seen. Everything belongs to root in it, as
 * in contexts that are sent. Follow-paths are not looked at: they only say what need not be sent.
 */
export function openDirectoryTree(path: string, filter: LocalFilter): FileTree {
  return new DirectoryTree(path, filter)
}

class DirectoryTree implements FileTree {
  readonly #root: string
  readonly #include: PatternMatcher | undefined
  readonly #exclude: PatternMatcher | undefined
  readonly #matches = new Map<string, DirectoryMatch>()
  readonly #entries = new Map<string, Entry | undefined>()

  constructor(root: string, filter: LocalFilter) {
    this.#root = root
    this.#include = filter.includePatterns.length > 0 ? compilePatterns(filter.includePatterns) : undefined
    this.#exclude = filter.excludePatterns.length > 0 ? compilePatterns(filter.excludePatterns) : undefined
  }

  lstat(path: string): Entry | undefined {
    if (this.#entries.has(path)) return this.#entries.get(path)
    const entry = this.#read(path)
    const seen = entry !== undefined && this.#visible(path, entry) ? entry : undefined
    this.#entries.set(path, seen)
    return seen
  }

  resolve(path: string, options: { followLast?: boolean } = {}): string {
    return resolvePath(path, one => this.lstat(one), options.followLast ?? true)
  }

  readdir(path: string): readonly string[] {
    const names = listNames(this.realPath(path)).map(one => one.name)
    const unfiltered = this.#include === undefined && this.#exclude === undefined
    const seen = unfiltered ? names : names.filter(name => this.lstat(joinPath(path, name)) !== undefined)
    return seen.sort(compareNames)
  }

  open(path: string): number {
    return openSync(fsPath(this.realPath(path)), constants.O_RDONLY | constants.O_NOFOLLOW)
  }

  xattrs(path: string): ReadonlyMap<string, Uint8Array> {
    return getXattrs(this.realPath(path))
  }

  realPath(path: string): string {
    return join(this.#root, path)
  }

  [Symbol.dispose](): void {
    this.#entries.clear()
    this.#matches.clear()
  }

  #read(path: string): Entry | undefined {
    const real = this.realPath(path)
    const stat = statPath(real)
    if (stat === undefined) return undefined
    const statKey = `${stat.dev}:${stat.ino}:${stat.ctimeNs}:${stat.mtimeNs}`
    return { ...entryOf(real, stat), uid: 0, gid: 0, statKey }
  }

  /** Whether the filter shows a path: it is let in itself, or it is a directory on the way to something that is. */
  #visible(path: string, entry: Entry): boolean {
    if (path === '/') return true
    const relative = path.slice(1)
    const above = this.#matchOf(parentOf(path))
    const include = this.#include?.matchesBelow(relative, above.include)
    const exclude = this.#exclude?.matchesBelow(relative, above.exclude)
    if (entry.kind === 'directory')
      this.#matches.set(path, { include: include?.info, exclude: exclude?.info })
    if ((include?.matched ?? true) && !exclude?.matched) return true
    if (entry.kind !== 'directory') return false
    const mayHold =
      (this.#include !== undefined && !include?.matched && !exclude?.matched) ||
      (exclude?.matched && this.#exclude?.hasExclusions)
    return mayHold === true && this.#holdsVisible(path)
  }

  #holdsVisible(path: string): boolean {
    return listNames(this.realPath(path)).some(one => this.lstat(joinPath(path, one.name)) !== undefined)
  }

  #matchOf(directory: string): DirectoryMatch {
    if (directory === '/') return { include: undefined, exclude: undefined }
    const known = this.#matches.get(directory)
    if (known) return known
    const above = this.#matchOf(parentOf(directory))
    const relative = directory.slice(1)
    const match = {
      include: this.#include?.matchesBelow(relative, above.include).info,
      exclude: this.#exclude?.matchesBelow(relative, above.exclude).info,
    }
    this.#matches.set(directory, match)
    return match
  }
}
