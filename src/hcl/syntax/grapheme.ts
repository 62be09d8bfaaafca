const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const plain = /^[\x20-\x7e]*$/

/** The text cut into grapheme clusters, what a reader takes for one character each; `\r\n` is one. */
export function graphemes(text: string): string[] {
  if (plain.test(text)) return text.split('')
  return Array.from(segmenter.segment(text), s => s.segment)
}

/** The number of grapheme clusters. */
export function countGraphemes(text: string): number {
  if (plain.test(text)) return text.length
  let n = 0
  for (const _ of segmenter.segment(text)) n++
  return n
}
