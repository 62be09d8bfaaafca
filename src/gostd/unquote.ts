import { SlipwayError } from '../errors/slipway-error.ts'

const invalid = (): SlipwayError => new SlipwayError('invalid-argument', 'invalid syntax')

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/**
 * The text of a Go literal: `"…"` with escapes, a raw string in back quotes, or a rune in single quotes, as
 * `strconv.Unquote`. `\x` and octal escapes are bytes and may together form UTF-8. Throws `invalid-argument`
 * (`invalid syntax`).
 */
export function unquote(literal: string): string {
  const mark = literal[0]
  if (literal.length < 2 || mark === undefined || literal.at(-1) !== mark) throw invalid()
  const body = literal.slice(1, -1)
  if (mark === '`') {
    if (body.includes('`')) throw invalid()
    return body.replaceAll('\r', '')
  }
  if ((mark !== '"' && mark !== "'") || body.includes('\n')) throw invalid()
  const text = unescape(body, mark)
  if (mark === "'" && Array.from(text).length !== 1) throw invalid()
  return text
}

function unescape(body: string, mark: string): string {
  const bytes: number[] = []
  const push = (text: string): void => void bytes.push(...new TextEncoder().encode(text))
  const other = mark === '"' ? "'" : '"'
  let at = 0
  while (at < body.length) {
    const char = String.fromCodePoint(body.codePointAt(at) as number)
    if (char === mark) throw invalid()
    at += char.length
    if (char !== '\\') {
      push(char)
      continue
    }
    const rest = body.slice(at)
    const numeric = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest)
    if (numeric !== null) {
      at += numeric[0].length
      const byte = numeric[1] === undefined ? parseInt(numeric[2] ?? '', 8) : parseInt(numeric[1], 16)
      if (byte > 255) throw invalid()
      if (numeric[3] === undefined && numeric[4] === undefined) bytes.push(byte)
      else push(fromPoint(parseInt(numeric[3] ?? numeric[4] ?? '', 16)))
      continue
    }
    const plain = simple[rest[0] ?? '']
    if (plain === undefined || rest[0] === other) throw invalid()
    push(plain)
    at += 1
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
}

function fromPoint(point: number): string {
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw invalid()
  return String.fromCodePoint(point)
}
