import type { TemplatePart } from './template-part.ts'
import { countGraphemes, graphemes } from './grapheme.ts'
import { byteLength } from './source-text.ts'

/** Takes the smallest indentation of all lines off every line; blank lines and what is interpolated do not count. */
export function flushHeredoc(parts: readonly TemplatePart[]): void {
  let smallest = Number.POSITIVE_INFINITY
  let lineStart = true
  const adjust: (TemplatePart & { kind: 'text' })[] = []
  for (const part of parts) {
    if (lineStart) {
      lineStart = false
      if (part.kind === 'end') break
      let spaces = 0
      if (part.kind === 'text') {
        const trimmed = part.text.trimStart()
        if (trimmed === '' && part.text.endsWith('\n')) spaces = Number.POSITIVE_INFINITY
        else {
          spaces = countGraphemes(part.text.slice(0, part.text.length - trimmed.length))
          adjust.push(part)
        }
      }
      smallest = Math.min(smallest, spaces)
    }
    if (part.kind === 'text' && part.text.endsWith('\n')) lineStart = true
  }
  for (const part of adjust) {
    const cut = graphemes(part.text).slice(0, smallest).join('')
    const { start } = part.range
    part.text = part.text.slice(cut.length)
    const moved = { ...start, column: start.column + smallest, byte: start.byte + byteLength(cut) }
    part.range = { ...part.range, start: moved }
  }
}

/** The parts with neighbouring texts made one. */
export function joinTexts(parts: readonly TemplatePart[]): TemplatePart[] {
  const out: TemplatePart[] = []
  let texts: string[] = []
  const flush = (): void => {
    const last = out.at(-1)
    if (last?.kind === 'text' && texts.length > 1) last.text = texts.join('')
    texts = []
  }
  for (const part of parts) {
    const last = out.at(-1)
    if (part.kind === 'text' && last?.kind === 'text') {
      texts.push(part.text)
      last.range = { ...last.range, end: part.range.end }
      continue
    }
    flush()
    out.push(part)
    if (part.kind === 'text') texts = [part.text]
  }
  flush()
  return out
}
