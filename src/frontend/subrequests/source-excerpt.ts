import { decodeName } from '../../bytes/path-string.ts'
import type { Range } from '../../errors/source-range.ts'
import type { SourceFile } from '../../llb/options.ts'

/**
 * The lines of `ranges` with a few around them, those meant marked with `>>>`. Empty where the file has no such lines.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/errdefs/source.go
 */
export function sourceExcerpt(file: SourceFile, ranges: readonly Range[]): string {
  const lines = decodeName(file.data).split('\n')
  if (ranges.length === 0) return ''
  const first = ranges.reduce((least, { start }) => Math.min(least, start.line), Number.POSITIVE_INFINITY)
  const last = ranges.reduce((most, range) => Math.min(lines.length, Math.max(most, lastLine(range))), 0)
  if (first < 1 || first > lines.length) return ''
  const { start, end } = padded(first, last, lines.length)
  const rows: string[] = []
  for (let line = start; line <= end; line++) {
    const isMeant = ranges.some(range => range.start.line <= line && lastLine(range) >= line)
    rows.push(` ${String(line).padStart(3)} | ${isMeant ? '>>>' : '   '} ${lines[line - 1]}\n`)
  }
  const rule = `${'-'.repeat(20)}\n`
  return `${file.filename}:${first}\n${rule}${rows.join('')}${rule}`
}

function lastLine({ start, end }: Range): number {
  return Math.max(end.line, start.line)
}

/** More lines around a single one than around several. */
function padded(first: number, last: number, count: number): { start: number; end: number } {
  const pad = first === last ? 4 : 2
  let start = first
  let end = last
  for (let added = 0; added < pad; added++) {
    if (start > 1) {
      start--
      added++
    }
    if (end !== count) {
      end++
      added++
    }
  }
  return { start, end }
}
