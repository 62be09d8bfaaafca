import type { SourceRange } from '../../errors/source-range.ts'

/** The most bytes of a source that travel whole: errors go in headers, which have an end. */
export const mostSource = 512 * 1024
/** Lines around a range that are shown, with some to spare. */
const around = 16
/** Bytes of a line that are kept. */
const mostLine = 16 * 1024

/**
 * The text of a source for an error: of large ones only the lines around the ranges, cut where they are long; the others
 * stay as empty lines, so that numbers are right. Empty where even that is too much.
 */
export function shortSource({ data, ranges }: Pick<SourceRange, 'data' | 'ranges'>): SourceRange['data'] {
  if (data.length <= mostSource) return data
  const parts: Uint8Array[] = []
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const isShown = (line: number): boolean =>
    ranges.some(({ start, end }) => line >= start.line - around && line <= end.line + around)
  let kept = 0
  for (let [at, line] = [0, 1]; at < bytes.length && kept <= mostSource; line++) {
    const newline = bytes.indexOf(0x0a, at)
    const end = newline < 0 ? bytes.length : newline
    const last = newline < 0 ? end : end + 1
    if (isShown(line)) parts.push(bytes.subarray(at, Math.min(end, at + mostLine)))
    parts.push(bytes.subarray(end, last))
    kept += Math.min(end - at, mostLine) * Number(isShown(line)) + 1
    at = last
  }
  return kept > mostSource ? new Uint8Array() : new Uint8Array(Buffer.concat(parts))
}
