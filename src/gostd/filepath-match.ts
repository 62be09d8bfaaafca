import { SlipwayError } from '../errors/slipway-error.ts'

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | {
      readonly kind: 'class'
      readonly negated: boolean
      readonly ranges: readonly (readonly [string, string])[]
    }

/** Tells whether a whole name matches a compiled pattern. */
export type PathMatcher = (name: string) => boolean

/**
 * Go's `filepath.Match` on Linux (= `path.Match`): `*` and `?` do not cross `/`, `[a-z]` and `[^a-z]` do, `\` escapes.
 * The whole name must match. Throws `invalid-argument` (`syntax error in pattern`), also when the name would differ
 * earlier. https://pkg.go.dev/path/filepath#Match
 */
export function filepathMatch(pattern: string, name: string): boolean {
  return compileFilepathMatch(pattern)(name)
}

/** `filepathMatch` prepared for many names. */
export function compileFilepathMatch(pattern: string): PathMatcher {
  const tokens = tokenize(Array.from(pattern))
  return name => matches(tokens, Array.from(name))
}

function tokenize(chars: readonly string[]): Token[] {
  const tokens: Token[] = []
  let at = 0
  const literal = (): string => {
    if (chars[at] === '\\') at++
    const char = chars[at++]
    if (char === undefined) throw badPattern()
    return char
  }
  const rangeEnd = (): string => {
    if (chars[at] === '-' || chars[at] === ']') throw badPattern()
    return literal()
  }
  while (at < chars.length) {
    const char = chars[at]
    if (char === '*') {
      at++
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
    } else if (char === '?') {
      at++
      tokens.push({ kind: 'any' })
    } else if (char === '[') {
      at++
      const negated = chars[at] === '^'
      if (negated) at++
      const ranges: [string, string][] = []
      while (chars[at] !== ']' || ranges.length === 0) {
        const low = rangeEnd()
        let high = low
        if (chars[at] === '-') {
          at++
          high = rangeEnd()
        }
        ranges.push([low, high])
      }
      at++
      tokens.push({ kind: 'class', negated, ranges })
    } else tokens.push({ kind: 'char', char: literal() })
  }
  return tokens
}

function badPattern(): SlipwayError {
  return new SlipwayError('invalid-argument', 'syntax error in pattern')
}

/** Linear in practice: only the last star is retried, which is enough because a star never crosses a `/`. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0
  let at = 0
  let star = -1
  let starAt = 0
  while (at < name.length || token < tokens.length) {
    const next = tokens[token]
    const char = name[at]
    if (next?.kind === 'star') {
      star = token++
      starAt = at
    } else if (next !== undefined && char !== undefined && matchesChar(next, char)) {
      token++
      at++
    } else if (star >= 0 && starAt < name.length && name[starAt] !== '/') {
      token = star + 1
      at = ++starAt
    } else return false
  }
  return true
}

function matchesChar(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char
    case 'any':
      return char !== '/'
    case 'class': {
      const point = char.codePointAt(0) as number
      const inside = token.ranges.some(
        ([low, high]) => point >= (low.codePointAt(0) as number) && point <= (high.codePointAt(0) as number),
      )
      return inside !== token.negated
    }
    case 'star':
      return false
    default:
      return token satisfies never
  }
}
