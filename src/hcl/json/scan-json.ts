import type { Pos, Range } from '../position.ts'
import { graphemes } from '../syntax/grapheme.ts'
import { byteLength } from '../syntax/source-text.ts'

/** A piece of JSON text. */
export interface JsonToken {
  readonly kind: '{' | '}' | '[' | ']' | ',' | ':' | '=' | 'string' | 'number' | 'word' | 'eof' | 'invalid'
  readonly text: string
  readonly range: Range
}

const space = /[ \t\r\n]+/y
const number = /[-+.0-9eE]+/y
const word = /[A-Za-z_]+/y
const quoted = /"(?:\\[^\u0000-\u001f]|[^"\\\u0000-\u001f])*["\\]?/y

/** Cuts JSON text into tokens, tolerantly; the last is `eof`, right behind an `invalid` one if there is any. */
export function scanJson(text: string, filename: string, start: Pos): JsonToken[] {
  const tokens: JsonToken[] = []
  let pos = start
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (kind: JsonToken['kind'], piece: string): void => {
    const columns = /^[\x20-\x7e]*$/.test(piece) ? piece.length : graphemes(piece).length
    const end = { byte: pos.byte + byteLength(piece), line: pos.line, column: pos.column + columns }
    tokens.push({ kind, text: piece, range: { filename, start: pos, end } })
    pos = end
    at += piece.length
  }
  while (at < text.length) {
    const blank = match(space)
    if (blank !== undefined) {
      pos = skipSpace(pos, blank)
      at += blank.length
      continue
    }
    const c = text[at] as string
    if ('{}[],:='.includes(c)) push(c as JsonToken['kind'], c)
    else if (c === '"') push('string', match(quoted) ?? c)
    else if (/[-+.0-9]/.test(c)) push('number', match(number) ?? c)
    else if (/[A-Za-z]/.test(c)) push('word', match(word) ?? c)
    else {
      push('invalid', c)
      break
    }
  }
  tokens.push({ kind: 'eof', text: '', range: { filename, start: pos, end: pos } })
  return tokens
}

/** A tab counts as two columns and a carriage return as none, as the reference implementation counts them. */
function skipSpace(from: Pos, blank: string): Pos {
  let { line, column } = from
  for (const c of blank) {
    if (c === '\n') {
      line++
      column = 1
    } else column += c === '\t' ? 2 : c === '\r' ? 0 : 1
  }
  return { byte: from.byte + blank.length, line, column }
}
