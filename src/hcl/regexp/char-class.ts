import { type CharTest, RegexpError } from './syntax-tree.ts'

const inRange =
  (low: number, high: number): CharTest =>
  c =>
    c >= low && c <= high
const digit = inRange(0x30, 0x39)
const wordChar: CharTest = c => digit(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f
const spaceChar: CharTest = c => c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0c || c === 0x0d

const perl: Readonly<Record<string, CharTest>> = { d: digit, w: wordChar, s: spaceChar }

const ascii: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[\x00-\x7f]/,
  blank: /[\t ]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** The class `\d`, `\w`, `\s` or its opposite in upper case; `undefined` for any other letter. */
export function perlClass(letter: string): CharTest | undefined {
  const test = Object.hasOwn(perl, letter.toLowerCase()) ? perl[letter.toLowerCase()] : undefined
  return test === undefined || letter === letter.toLowerCase() ? test : c => !test(c)
}

/** The class `[:name:]` or `[:^name:]`. */
export function namedClass(name: string): CharTest | undefined {
  const negated = name.startsWith('^')
  const key = negated ? name.slice(1) : name
  const pattern = Object.hasOwn(ascii, key) ? (ascii[key] as RegExp) : undefined
  return pattern && (c => pattern.test(String.fromCodePoint(c)) !== negated)
}

/** The Unicode class `\p{name}` (category or script), negated for `\P` or `\p{^name}`. */
export function unicodeClass(name: string, negated: boolean, source: string): CharTest {
  const inverted = name.startsWith('^')
  const key = inverted ? name.slice(1) : name
  if (key === 'Any') return () => negated === inverted
  const pattern = compileProperty(key)
  if (pattern === undefined) throw new RegexpError('invalid character class range', source)
  return c => pattern.test(String.fromCodePoint(c)) === (negated === inverted)
}

function compileProperty(key: string): RegExp | undefined {
  if (!/^[A-Za-z_]+$/.test(key)) return undefined
  for (const body of [`\\p{gc=${key}}`, `\\p{sc=${key}}`]) {
    try {
      return new RegExp(`^${body}$`, 'u')
    } catch {
      // not a category: try scripts
    }
  }
  return undefined
}

/** Tests a character without regard to case. */
export function foldCase(test: CharTest): CharTest {
  return c => {
    if (test(c)) return true
    const s = String.fromCodePoint(c)
    for (const other of [s.toLowerCase(), s.toUpperCase()]) {
      if (other !== s && [...other].length === 1 && test(other.codePointAt(0) as number)) return true
    }
    return (c === 0x212a && test(0x6b)) || (c === 0x17f && test(0x73))
  }
}

/** Word characters, as `\b` sees them. */
export const isWordChar = wordChar
