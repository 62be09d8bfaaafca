import type { Pos } from '../position.ts'
import { graphemes } from './grapheme.ts'
import { byteLength } from './source-text.ts'

const plain = /^[\x20-\x7e]*$/

/** The position after `text` when it begins at `from`: `\n` and `\r\n` end a line, every other cluster is a column. */
export function advance(from: Pos, text: string): Pos {
  if (plain.test(text))
    return { byte: from.byte + text.length, line: from.line, column: from.column + text.length }
  let { line, column } = from
  for (const cluster of graphemes(text)) {
    if (cluster === '\n' || cluster === '\r\n') {
      line++
      column = 1
    } else column++
  }
  return { byte: from.byte + byteLength(text), line, column }
}
