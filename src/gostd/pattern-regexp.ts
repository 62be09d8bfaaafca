import { goRegExp } from './go-regexp.ts'

/**
 * One cleaned ignore pattern as a predicate on whole paths. Patterns without special characters are compared as they
 * are. A regular expression is only made when the first path is asked, and its errors (`invalid-argument`,
 * `syntax error in pattern`) come then.
 */
export function compileIgnorePattern(pattern: string): (path: string) => boolean {
  const { kind, source } = translate([...pattern])
  switch (kind) {
    case 'exact':
      return path => path === pattern
    case 'prefix': {
      const prefix = pattern.slice(0, -2)
      return path => path.startsWith(prefix)
    }
    case 'suffix': {
      const suffix = pattern.slice(2)
      return path => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1))
    }
    case 'regexp': {
      let regexp: RegExp | undefined
      return path => {
        regexp ??= goRegExp(source)
        return regexp.test(path)
      }
    }
    default:
      return kind satisfies never
  }
}

type Kind = 'exact' | 'prefix' | 'suffix' | 'regexp'

/**
 * The kind of comparison, and the Go regular expression for the last kind. Upstream rewrites character by character,
 * without looking whether it is inside brackets; what odd patterns match follows from that, so it is done alike.
 * Source: https://github.com/moby/patternmatcher/blob/v0.6.0/patternmatcher.go (compile)
 */
function translate(chars: readonly string[]): { readonly kind: Kind; readonly source: string } {
  let kind: Kind = 'exact'
  let source = '^'
  let at = 0
  while (at < chars.length) {
    const first = at === 0
    const char = chars[at++] as string
    if (char === '*' && chars[at] === '*') {
      at++
      if (chars[at] === '/') at++
      const last = at >= chars.length
      if (!last) source += '(.*/)?'
      else if (kind !== 'exact') source += '.*'
      kind = first ? 'suffix' : last && kind === 'exact' ? 'prefix' : 'regexp'
    } else if (char === '*' || char === '?') {
      source += char === '*' ? '[^/]*' : '[^/]'
      kind = 'regexp'
    } else if (char === '\\' && at < chars.length) {
      source += `\\${chars[at++]}`
      kind = 'regexp'
    } else if (char === '[' || char === ']') {
      source += char
      kind = 'regexp'
    } else source += '.+()|{}$'.includes(char) ? `\\${char}` : char
  }
  return { kind, source: `${source}$` }
}
