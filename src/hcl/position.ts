/** A place in a source file: `byte` counts from 0, `line` and `column` from 1; a column is one grapheme cluster. */
export interface Pos {
  readonly byte: number
  readonly line: number
  readonly column: number
}

/** A stretch of a source file from `start` up to, not including, `end`. */
export interface Range {
  readonly filename: string
  readonly start: Pos
  readonly end: Pos
}

/** Where a file begins. */
export const fileStart: Pos = { byte: 0, line: 1, column: 1 }

/** The stretch from the start of `a` to the end of `b`. */
export function rangeBetween(a: Range, b: Range): Range {
  return { filename: a.filename, start: a.start, end: b.end }
}

/** `file:line,column-column`, or `file:line,column-line,column` when it spans lines. */
export function formatRange(range: Range): string {
  const { start, end } = range
  const last = start.line === end.line ? `${end.column}` : `${end.line},${end.column}`
  return `${range.filename}:${start.line},${start.column}-${last}`
}
