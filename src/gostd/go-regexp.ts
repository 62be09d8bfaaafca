import { SlipwayError } from '../errors/slipway-error.ts'

/** Classes that Go knows inside brackets, as the inside of a class here. https://pkg.go.dev/regexp/syntax */
const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

const escapes: Readonly<Record<string, string>> = {
  a: '\\x07',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
  d: '\\d',
  D: '\\D',
  w: '\\w',
  W: '\\W',
  s: '[\\t\\n\\f\\r ]',
  S: '[^\\t\\n\\f\\r ]',
  b: '\\b',
  B: '\\B',
  A: '^',
  z: '$',
}

/** Escapes that stand for a set, as the inside of a class. */
const sets: Readonly<Record<string, string>> = { d: '\\d', D: '\\D', w: '\\w', W: '\\W', s: '\\t\\n\\f\\r ' }

/**
 * A regular expression of Go's syntax, as far as ignore patterns can make one: literals, `.`, groups, `*`, `?`, `^`, `$`,
 * bracket classes with POSIX names, and escapes of one character. Throws `invalid-argument` (`syntax error in pattern`).
 */
export function goRegExp(source: string): RegExp {
  const chars = [...source]
  let out = ''
  let at = 0
  while (at < chars.length) {
    const char = chars[at++] as string
    if (char === '[') {
      const [body, next] = bracketClass(chars, at)
      out += body
      at = next
    } else if (char === '\\') out += escapeOf(chars[at++], false)
    else if (char === '.') out += '[^\\n]'
    else if (char === '(') out += '(?:'
    else out += ')?*^$'.includes(char) ? char : literal(char)
  }
  try {
    return new RegExp(out, 'u')
  } catch (cause) {
    throw badPattern(cause)
  }
}

/** The class that begins after the `[` before `at`, and the index after its `]`. */
function bracketClass(chars: readonly string[], at: number): [string, number] {
  let out = '['
  if (chars[at] === '^') {
    out += '^'
    at++
  }
  for (let first = true; first || chars[at] !== ']'; first = false) {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(chars.slice(at, at + 12).join(''))
    if (posix !== null) {
      const body = posixClasses[posix[2] as string]
      if (body === undefined || posix[1] === '^') throw badPattern()
      out += body
      at += posix[0].length
      continue
    }
    const char = chars[at++]
    if (char === undefined) throw badPattern()
    if (char === '\\') out += escapeOf(chars[at++], true)
    // Between two ends a hyphen is a range; at either edge of the class it is itself.
    else if (char === '-' && !first && chars[at] !== ']') out += '-'
    else out += literal(char)
  }
  return [`${out}]`, at + 1]
}

function escapeOf(char: string | undefined, inClass: boolean): string {
  if (char === undefined || char > '\x7f') throw badPattern()
  if (!/[0-9A-Za-z]/.test(char)) return literal(char)
  const found = inClass ? (sets[char] ?? (/[afnrtv]/.test(char) ? escapes[char] : undefined)) : escapes[char]
  if (found === undefined) throw badPattern()
  return found
}

function literal(char: string): string {
  return /[0-9A-Za-z]/.test(char) ? char : `\\u{${(char.codePointAt(0) as number).toString(16)}}`
}

function badPattern(cause?: unknown): SlipwayError {
  return new SlipwayError('invalid-argument', 'syntax error in pattern', cause === undefined ? {} : { cause })
}
