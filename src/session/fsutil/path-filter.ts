import { wrapError } from '../../errors/slipway-error.ts'
import { compilePatterns, type ParentMatch, type PatternMatcher } from '../../gostd/pattern-matcher.ts'

/** Which entries of a tree are sent. Empty lists say nothing. */
export interface TreeFilter {
  /** An entry must match one of these, or lie below one that does. */
  readonly includePatterns?: readonly string[]
  /** An entry that matches one of these is left out, `!` patterns let it in again. */
  readonly excludePatterns?: readonly string[]
  /** Paths, with wildcards in their last part; they and what their symlinks lead to become include patterns. */
  readonly followPaths?: readonly string[]
}

/** What the filter remembers of a directory for its entries. */
export interface FilterState {
  readonly include?: ParentMatch
  readonly exclude?: ParentMatch
}

/** The answer for one entry: send it, and, for a directory, look into it. */
export interface FilterAnswer {
  readonly keep: boolean
  readonly descend: boolean
  readonly state: FilterState
}

/** Decides entry by entry on the way down a tree; the parent's state goes in, none at the top. */
export type PathFilter = (path: string, isDirectory: boolean, parent: FilterState | undefined) => FilterAnswer

/**
 * Compiles include and exclude patterns (followed paths must be resolved before). A directory that is left out itself is
 * looked into only where a pattern might match below it. Throws `invalid-argument`.
 * Behaviour: https://github.com/tonistiigi/fsutil/blob/6d9dc2ebad62/filter.go
 */
export function compileFilter(include: readonly string[], exclude: readonly string[]): PathFilter {
  const includes = compile('includepatterns', include)
  const excludes = compile('excludepatterns', exclude)
  const includeBelow = includes === undefined ? everywhere : reach(includes, false)
  const excludeBelow = excludes === undefined ? everywhere : reach(excludes, true)
  return (path, isDirectory, parent) => {
    let keep = true
    let descend = isDirectory
    const inner: { include?: ParentMatch; exclude?: ParentMatch } = {}
    if (includes !== undefined) {
      const { matched, info } = match('includepatterns', includes, path, parent?.include)
      inner.include = info
      keep = matched
      descend &&= matched || includeBelow(path)
    }
    if (excludes !== undefined && (keep || descend)) {
      const { matched, info } = match('excludepatterns', excludes, path, parent?.exclude)
      inner.exclude = info
      keep &&= !matched
      descend &&= !matched || excludeBelow(path)
    }
    return { keep, descend, state: inner }
  }
}

const everywhere = (): boolean => true

function compile(what: string, patterns: readonly string[]): PatternMatcher | undefined {
  if (patterns.length === 0) return undefined
  try {
    return compilePatterns(patterns)
  } catch (error) {
    throw wrapError(`invalid ${what}: [${patterns.join(' ')}]`, error)
  }
}

function match(
  what: string,
  matcher: PatternMatcher,
  path: string,
  parent: ParentMatch | undefined,
): ReturnType<PatternMatcher['matchesBelow']> {
  try {
    return matcher.matchesBelow(path, parent)
  } catch (error) {
    throw wrapError(`failed to match ${what}`, error)
  }
}

/** Whether a pattern (those with `!`, or those without) might match below a directory that is not sent itself. */
function reach(matcher: PatternMatcher, exclusion: boolean): (dir: string) => boolean {
  const prefixes = matcher.patterns
    .filter(pattern => pattern.exclusion === exclusion)
    .map(pattern => pattern.text.replace(/\/\*\*$/, '').replace(/\/\*$/, ''))
  if (prefixes.some(prefix => /[*[\]?^\\]/.test(prefix))) return everywhere
  return dir => prefixes.some(prefix => `${prefix}/`.startsWith(`${dir}/`))
}
