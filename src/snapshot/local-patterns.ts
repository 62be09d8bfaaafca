import { compilePatterns, type ParentMatch, type PatternMatcher } from '../gostd/pattern-matcher.ts'
import type { LocalFilter } from './ref.ts'
import { parentOf } from './resolve-path.ts'

/** How patterns answer for a directory, kept for what is in it. */
interface DirectoryMatch {
  readonly include: ParentMatch | undefined
  readonly exclude: ParentMatch | undefined
}

const none: DirectoryMatch = { include: undefined, exclude: undefined }

/** More directories than this are not remembered. */
const mostRemembered = 50_000

/**
 * What a filter says of paths. A path is let in when an include pattern matches (or there is none) and no exclude
 * pattern does, the last one that matches deciding.
 */
export class LocalPatterns {
  readonly #include: PatternMatcher | undefined
  readonly #exclude: PatternMatcher | undefined
  readonly #directories = new Map<string, DirectoryMatch>()

  constructor(filter: LocalFilter) {
    this.#include = filter.includePatterns.length > 0 ? compilePatterns(filter.includePatterns) : undefined
    this.#exclude = filter.excludePatterns.length > 0 ? compilePatterns(filter.excludePatterns) : undefined
  }

  /** True where every path is let in. */
  get letsAllIn(): boolean {
    return this.#include === undefined && this.#exclude === undefined
  }

  /** Whether a canonical path is let in; `inside` where it is not, but something in the directory that it is may be. */
  verdict(path: string, isDirectory: boolean): 'in' | 'inside' | 'out' {
    if (path === '/' || this.letsAllIn) return 'in'
    const relative = path.slice(1)
    const above = this.#matchOf(parentOf(path))
    const include = this.#include?.matchesBelow(relative, above.include)
    const exclude = this.#exclude?.matchesBelow(relative, above.exclude)
    const included = include?.matched ?? true
    const excluded = exclude?.matched ?? false
    if (isDirectory) this.#remember(path, { include: include?.info, exclude: exclude?.info })
    if (included && !excluded) return 'in'
    if (!isDirectory || (excluded && !this.#exclude?.hasExclusions)) return 'out'
    return 'inside'
  }

  #matchOf(directory: string): DirectoryMatch {
    if (directory === '/') return none
    const known = this.#directories.get(directory)
    if (known !== undefined) return known
    const above = this.#matchOf(parentOf(directory))
    const relative = directory.slice(1)
    const match = {
      include: this.#include?.matchesBelow(relative, above.include).info,
      exclude: this.#exclude?.matchesBelow(relative, above.exclude).info,
    }
    this.#remember(directory, match)
    return match
  }

  #remember(directory: string, match: DirectoryMatch): void {
    if (this.#directories.size >= mostRemembered) this.#directories.clear()
    this.#directories.set(directory, match)
  }
}
