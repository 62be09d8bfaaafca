import type { Diagnostics } from '../diagnostic.ts'
import type { Pos } from '../position.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { advance } from './advance.ts'
import type { Token } from './token.ts'

const quotedPiece =
  /\\u[0-9a-fA-F]{0,4}|\\U[0-9a-fA-F]{0,8}|\\[^uU]?|\$(?:\$\{?)?|%(?:%\{?)?|\r\n|[\r\n]|[^\\$%\r\n]+/gu
const plainPiece = /\$(?:\$\{?)?|%(?:%\{?)?|\r\n|[\r\n]|[^$%\r\n]+/gu
const simple: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }

/** The text a literal token stands for, with escapes resolved: backslashes in quoted text only, `$${` and `%%{` always. */
export function literalText(token: Token, diagnostics: Diagnostics): string {
  const quoted = token.kind === 'quoted-literal'
  const pieces = token.text.match(quoted ? quotedPiece : plainPiece) ?? []
  let start = token.range.start
  let out = ''
  for (const piece of pieces) {
    const end = advance(start, piece)
    if (quoted && piece.startsWith('\\')) out += backslash(piece, token, start, end, diagnostics)
    else out += piece === '$${' || piece === '%%{' ? piece.slice(1) : piece
    start = end
  }
  return out
}

function backslash(piece: string, token: Token, start: Pos, end: Pos, diagnostics: Diagnostics): string {
  const fail = (detail: string): void => {
    const subject = { filename: token.range.filename, start, end }
    diagnostics.push({ summary: 'Invalid escape sequence', detail, subject })
  }
  const selector = piece.slice(1)
  const plain = simple[selector]
  if (plain !== undefined) return plain
  if (selector === '') {
    fail('Backslash must be followed by an escape sequence selector character.')
    return piece
  }
  if (selector[0] !== 'u' && selector[0] !== 'U') {
    fail(`The symbol ${goQuote(selector)} is not a valid escape sequence selector.`)
    return selector
  }
  const short = selector[0] === 'u'
  if (selector.length !== (short ? 5 : 9)) {
    const digits = short ? 'four' : 'eight'
    fail(`The \\${short ? 'u' : 'U'} escape sequence must be followed by ${digits} hexadecimal digits.`)
    return piece
  }
  const code = Number.parseInt(selector.slice(1), 16)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    fail(`Cannot encode character U+${code.toString(16).padStart(4, '0')} in UTF-8.`)
    return piece
  }
  return String.fromCodePoint(code)
}
