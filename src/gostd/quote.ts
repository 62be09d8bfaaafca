const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

const shortEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/**
 * A Go string literal in double quotes, as `strconv.Quote` and `%q` print it: printable characters stay, the others
 * become `\n`, `\x01`, `\u00ad` or `\U0001f600` forms; lone surrogates become U+FFFD.
 */
export function quote(text: string): string {
  return wrap(text, '"')
}

/** A Go rune literal in single quotes (`'x'`), as `%q` prints a rune. */
export function quoteRune(rune: string): string {
  return wrap(rune, "'")
}

/** The text in double quotes with everything beyond ASCII escaped too, as `strconv.QuoteToASCII` and `%+q`. */
export function quoteToAscii(text: string): string {
  return wrap(text, '"', true)
}

function wrap(text: string, mark: string, ascii = false): string {
  let out = mark
  for (const char of text) out += escapeChar(char, mark, ascii)
  return out + mark
}

function escapeChar(char: string, mark: string, ascii: boolean): string {
  if (char === mark || char === '\\') return `\\${char}`
  const point = char.codePointAt(0) as number
  if (point >= 0xd800 && point <= 0xdfff) return ascii ? '\\ufffd' : '\ufffd'
  if (printable.test(char) && !(ascii && point > 0x7e)) return char
  const short = shortEscapes[char]
  if (short !== undefined) return short
  if (point < 0x20 || point === 0x7f) return `\\x${hex(point, 2)}`
  return point < 0x10000 ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0')
