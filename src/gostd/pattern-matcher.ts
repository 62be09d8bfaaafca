import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { filepathMatch } from './filepath-match.ts'
import { compileIgnorePattern } from './pattern-regexp.ts'

/** One line of an ignore file, or one include pattern. */
export interface IgnorePattern {
  /** The pattern without its `!`, cleaned as a path. */
  readonly text: string
  /** It began with `!`: what it matches is let in again (or, among includes, left out again). */
  readonly exclusion: boolean
  /** Whether exactly this path matches, its parents not considered. Throws `invalid-argument` for a bad pattern. */
  readonly matches: (path: string) => boolean
}

/** Which patterns matched a directory, one flag for each: lets its entries be matched without looking at parents again. */
export type ParentMatch = readonly boolean[]

/** Ordered patterns, the last match decides. Paths are relative, clean, separated by `/`, without a trailing one. */
export interface PatternMatcher {
  readonly patterns: readonly IgnorePattern[]
  /** Any pattern has a `!`. */
  readonly hasExclusions: boolean
  /** Whether the path, or a directory above it, matches and no later `!` pattern takes it back. */
  readonly matches: (path: string) => boolean
  /** As `matches`, given the answer for the directory that holds the path (none: parents are looked at). */
  readonly matchesBelow: (
    path: string,
    parent?: ParentMatch,
  ) => { readonly matched: boolean; readonly info: ParentMatch }
}

/**
 * Compiles patterns in the language of .dockerignore: Go's `filepath.Match`, `**` for any number of directories, `!` for
 * exceptions. Empty patterns are skipped. Throws `invalid-argument` (`syntax error in pattern`, or
 * `illegal exclusion pattern: "!"`). Behaviour: https://github.com/moby/patternmatcher/blob/v0.6.0/patternmatcher.go
 */
export function compilePatterns(texts: readonly string[]): PatternMatcher {
  const patterns: IgnorePattern[] = []
  for (const given of texts) {
    let text = given.trim()
    if (text === '') continue
    text = cleanPath(text)
    const exclusion = text.startsWith('!')
    if (exclusion) text = text.slice(1)
    if (text === '') throw new SlipwayError('invalid-argument', 'illegal exclusion pattern: "!"')
    checkSyntax(text)
    patterns.push({ text, exclusion, matches: compileIgnorePattern(text) })
  }
  const matchesBelow = (path: string, parent?: ParentMatch): { matched: boolean; info: ParentMatch } =>
    decide(patterns, path, parent)
  return {
    patterns,
    hasExclusions: patterns.some(p => p.exclusion),
    matches: path => decide(patterns, path, undefined).matched,
    matchesBelow,
  }
}

function decide(
  patterns: readonly IgnorePattern[],
  path: string,
  parent: ParentMatch | undefined,
): { matched: boolean; info: ParentMatch } {
  let matched = false
  const info = patterns.map((pattern, i) => {
    let hit = parent?.[i] === true
    // A pattern that cannot change the answer is not tried: nobody would see its errors, and most are such.
    if (!hit && pattern.exclusion === matched) {
      hit = pattern.matches(path) || (parent === undefined && parentsOf(path).some(pattern.matches))
    }
    if (hit) matched = !pattern.exclusion
    return hit
  })
  return { matched, info }
}

/**
 * The errors of Go's `filepath.Match(text, ".")`, which upstream asks: it reads the pattern from star to star and stops
 * where "." cannot match any more, so faults further on go unseen until a path is matched.
 */
function checkSyntax(text: string): void {
  const [first = '', second = ''] =
    text.replace(/^\*+/, '').match(/(?:\\[^]|\[(?:\\[^]|[^\]\\])*\]?|[^*])+/g) ?? []
  if (filepathMatch(first, '.') && second !== '') filepathMatch(second, '')
}

function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) parents.push(path.slice(0, at))
  return parents
}

/** Go's `filepath.Clean` on Linux: the shortest equivalent path, `.` for an empty one, no trailing slash. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}
