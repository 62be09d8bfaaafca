import { SlipwayError } from '../../errors/slipway-error.ts'

type Token =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'char'; readonly char: string }

/** More steps than this in one substitution are refused: no honest pattern comes near. */
const maxSteps = 2e8

/** Most characters that one text may become: variables that double each other would soon fill any memory. */
export const maxExpansion: number = 8 << 20

/** The error for a text that becomes longer. */
export function tooLong(): SlipwayError {
  return new SlipwayError('resource-exhausted', `substitution makes more than ${maxExpansion >> 20} MiB`)
}

/** A shell pattern of `*`, `?` and plain characters; `*` and `?` do not match a newline. */
export interface Pattern {
  readonly tokens: readonly Token[]
}

/**
 * Reads the pattern of `${name#pattern}` and its kin. Only `\*`, `\?`, `\\`, and `\}` and `\/` (which the syntax around
 * needs) may be escaped. Throws `invalid-argument`.
 */
export function parsePattern(text: string): Pattern {
  const chars = Array.from(text)
  const tokens: Token[] = []
  for (let at = 0; at < chars.length; at++) {
    let char = chars[at] as string
    if (char === '*') tokens.push({ kind: 'star' })
    else if (char === '?') tokens.push({ kind: 'any' })
    else {
      if (char === '\\') {
        const next = chars[at + 1]
        if (next === '}' || next === '/') continue
        if (next !== '*' && next !== '?' && next !== '\\') {
          const what = `invalid escape '\\${next ?? '\ufffd'}'`
          throw new SlipwayError('invalid-argument', `invalid pattern (${text}) in substitution: ${what}`)
        }
        char = next
        at++
      }
      tokens.push({ kind: 'char', char })
    }
  }
  return { tokens }
}

/** `value` without the shortest (`greedy`: longest) match of the pattern at its start. */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const chars = Array.from(value)
  const end = matchEnds(parsePattern(pattern), chars, greedy)[0] as number
  return end < 0 ? value : chars.slice(end).join('')
}

/** `value` without the shortest (`greedy`: longest) match of the pattern at its end. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  const units = Array.from(pattern.matchAll(/\\[^]|[^]/gu), match => match[0])
  const trimmed = trimPrefix(units.reverse().join(''), Array.from(value).reverse().join(''), greedy)
  return Array.from(trimmed).reverse().join('')
}

/** `value` with the first match of the pattern (always the longest) replaced. */
export function replaceFirst(pattern: string, value: string, replacement: string): string {
  const chars = Array.from(value)
  const ends = matchEnds(parsePattern(pattern), chars, true)
  const start = ends.findIndex(end => end >= 0)
  if (start < 0) return value
  return chars.slice(0, start).join('') + replacement + chars.slice(ends[start]).join('')
}

/** `value` with every match replaced; `$0` in the replacement is the match, other `$name` are empty, `$$` is a `$`. */
export function replaceEach(pattern: string, value: string, replacement: string): string {
  const chars = Array.from(value)
  const ends = matchEnds(parsePattern(pattern), chars, true)
  let out = ''
  let copied = 0
  let at = 0
  while (at <= chars.length) {
    let start = at
    while (start < ends.length && (ends[start] as number) < 0) start++
    if (start >= ends.length) break
    const end = ends[start] as number
    out += chars.slice(copied, start).join('')
    if (end > copied || start === 0) out += expand(replacement, chars.slice(start, end).join(''))
    if (out.length > maxExpansion) throw tooLong()
    copied = end
    at = Math.max(end, at + 1)
  }
  return out + chars.slice(copied).join('')
}

function expand(template: string, match: string): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (all, bare?: string, braced?: string) => {
    if (all === '$$') return '$'
    return (bare ?? braced) === '0' ? match : ''
  })
}

/**
 * For every start in `value` where the pattern ends (shortest or longest), -1 where it does not match. One pass per
 * token from the last to the first, so that no pattern takes more than tokens × characters steps.
 */
function matchEnds(pattern: Pattern, value: readonly string[], greedy: boolean): number[] {
  const size = value.length
  if ((pattern.tokens.length + 1) * (size + 1) > maxSteps) {
    throw new SlipwayError('resource-exhausted', 'pattern in substitution is too long for its value')
  }
  let ends = Array.from({ length: size + 1 }, (_, at) => at)
  for (const token of pattern.tokens.toReversed()) {
    const before = new Array<number>(size + 1).fill(-1)
    for (let at = size; at >= 0; at--) {
      const char = value[at]
      const after = ends[at + 1] ?? -1
      if (token.kind === 'char') before[at] = char === token.char ? after : -1
      else if (token.kind === 'any') before[at] = char !== undefined && char !== '\n' ? after : -1
      else {
        const none = ends[at] as number
        const more = char !== undefined && char !== '\n' ? (before[at + 1] as number) : -1
        before[at] =
          none < 0 || more < 0 ? Math.max(none, more) : greedy ? Math.max(none, more) : Math.min(none, more)
      }
    }
    ends = before
  }
  return ends
}
