import { SlipwayError } from '../errors/slipway-error.ts'

/**
 * Splits a line into words as google/shlex does: blanks separate, `'…'` keeps everything, `"…"` keeps all but `\`,
 * `\` takes the next character as it is, `#` at the start of a word begins a comment to the end of the line.
 * Throws `invalid-argument` for a quote or escape that does not end.
 */
export function shlexSplit(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | "'" | undefined
  let at = 0
  while (at < line.length) {
    const char = line[at++] as string
    if (quote !== undefined) {
      if (char === quote) quote = undefined
      else if (char === '\\' && quote === '"') word += escaped(line, at++)
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\') word = (word ?? '') + escaped(line, at++)
    else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '#' && word === undefined) {
      const end = line.indexOf('\n', at)
      at = end < 0 ? line.length : end + 1
    } else word = (word ?? '') + char
  }
  if (quote !== undefined) {
    throw new SlipwayError('invalid-argument', 'EOF found when expecting closing quote')
  }
  if (word !== undefined) words.push(word)
  return words
}

function escaped(line: string, at: number): string {
  const char = line[at]
  if (char === undefined) throw new SlipwayError('invalid-argument', 'EOF found after escape character')
  return char
}
