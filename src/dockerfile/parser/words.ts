import { isSpace } from './white-space.ts'

/**
 * Splits at white space outside of quotes. Quotes and escapes stay in the words: they are resolved when variables are
 * expanded. An escape character at the very end is dropped.
 */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  let quoted = false
  const end = (): void => {
    if (quoted || word !== '') words.push(word)
    word = ''
    quoted = false
  }
  for (let at = 0; at < text.length; at++) {
    const ch = text[at] as string
    if (quote === '' && isSpace(ch)) {
      end()
      continue
    }
    if (ch === escape && quote !== "'") {
      if (at + 1 === text.length) continue
      word += ch + (text[++at] as string)
      continue
    }
    if (quote === '' && (ch === '"' || ch === "'")) {
      quote = ch
      quoted = true
    } else if (ch === quote) quote = ''
    word += ch
  }
  end()
  return words
}
