import type { SourceRange } from '../errors/source-range.ts'

/** Hostile files have lines, and statements, of any length: beyond this they are cut. */
const mostLines = 1000
const longestLine = 10_000

/**
 * The lines of a file that an error or warning is about, marked `>>>`, with some lines around them, between rulers and
 * with the place above; empty when there is no such line. The form is BuildKit's
 * (https://github.com/moby/buildkit/blob/v0.32.2/solver/errdefs/source.go).
 */
export function sourceExcerpt(source: SourceRange): string {
  const lines = new TextDecoder().decode(source.data).split('\n')
  const spans = source.ranges.map(({ start, end }) => [start.line, Math.max(start.line, end.line)] as const)
  if (spans.length === 0) return ''
  // By hand: a here-document may have a million lines, too many for arguments.
  const first = spans.reduce((least, [from]) => Math.min(least, from), Number.POSITIVE_INFINITY)
  if (first < 1 || first > lines.length) return ''
  const last = spans.reduce((most, [, to]) => Math.min(lines.length, Math.max(most, to)), first)
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
  const end = Math.min(to, from + mostLines)
  const marked = markedLines(spans, from, end)
  for (let line = from; line <= end; line++) {
    const text = lines[line - 1] ?? ''
    const shown = text.length > longestLine ? `${text.slice(0, longestLine)}…` : text
    out += ` ${String(line).padStart(3)} | ${marked.has(line) ? '>>>' : '   '} ${shown}\n`
  }
  if (end < to) out += `     | ... ${to - end} lines more\n`
  return `${out}--------------------\n`
}

/** Lines of the excerpt that a span covers. */
function markedLines(
  spans: readonly (readonly [number, number])[],
  from: number,
  to: number,
): ReadonlySet<number> {
  const marked = new Set<number>()
  for (const [start, end] of spans)
    for (let line = Math.max(start, from); line <= Math.min(end, to); line++) marked.add(line)
  return marked
}
