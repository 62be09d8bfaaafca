import type { SourceRange } from '../errors/source-range.ts'

/**
 * The lines of a file that an error or warning is about, marked `>>>`, with some lines around them, between rulers and
 * with the place above; empty when there is no such line. The form is BuildKit's
 * (https://github.com/moby/buildkit/blob/v0.32.2/solver/errdefs/source.go).
 */
export function sourceExcerpt(source: SourceRange): string {
  const lines = new TextDecoder().decode(source.data).split('\n')
  const spans = source.ranges.map(({ start, end }) => [start.line, Math.max(start.line, end.line)] as const)
  if (spans.length === 0) return ''
  const first = Math.min(...spans.map(([from]) => from))
  if (first < 1 || first > lines.length) return ''
  const last = Math.min(lines.length, Math.max(...spans.map(([, to]) => to)))
  let from = first
  let to = last
  // Each turn widens the excerpt at both ends where it can; the turn itself counts too, so that it ends.
  const room = first === last ? 4 : 2
  for (let widened = 0; widened < room; widened++) {
    if (from > 1) {
      from--
      widened++
    }
    if (to !== lines.length) {
      to++
      widened++
    }
  }
  let out = `${source.filename}:${first}\n--------------------\n`
  for (let line = from; line <= to; line++) {
    const marked = spans.some(([start, end]) => start <= line && line <= end)
    out += ` ${String(line).padStart(3)} | ${marked ? '>>>' : '   '} ${lines[line - 1] ?? ''}\n`
  }
  return `${out}--------------------\n`
}
