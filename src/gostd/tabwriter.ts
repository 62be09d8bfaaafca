/** Layout of `tabulate`; widths count characters. */
export interface TabOptions {
  /** No column is narrower, padding included. @default 0 */
  readonly minWidth?: number
  /** Blanks after the longest cell of a column. @default 1 */
  readonly padding?: number
  /** Pad with tabs of 8 columns instead of blanks. */
  readonly tabs?: boolean
  /** Width of a cell's text. @default the number of code points */
  readonly widthOf?: (text: string) => number
}

/**
 * Aligns tab-terminated cells as Go's text/tabwriter does: a column is a run of consecutive lines
 * that have a cell there, the text after the last tab of a line belongs to no column.
 * https://pkg.go.dev/text/tabwriter
 */
export function tabulate(text: string, options: TabOptions = {}): string {
  const { minWidth = 0, padding = 1, tabs = false, widthOf = codePoints } = options
  const lines = text.split('\n').map(line => line.split('\t'))
  const out: string[] = []
  const cellsOf = (line: number): readonly string[] => lines[line] ?? []

  const write = (from: number, to: number, widths: readonly number[]): void => {
    for (let line = from; line < to; line++) {
      const cells = cellsOf(line)
      const padded = cells.map((cell, column) => {
        const width = widths[column]
        if (width === undefined) return cell
        const gap = Math.max(0, width - widthOf(cell))
        return cell + (tabs ? '\t'.repeat(Math.ceil(gap / tabWidth)) : ' '.repeat(gap))
      })
      out.push(padded.join(''))
    }
  }

  const format = (from: number, to: number, widths: readonly number[]): void => {
    const column = widths.length
    const inColumn = (line: number): boolean => column < cellsOf(line).length - 1
    let start = from
    let at = from
    while (at < to) {
      if (!inColumn(at)) {
        at++
        continue
      }
      write(start, at, widths)
      start = at
      let width = minWidth
      for (; at < to && inColumn(at); at++) {
        width = Math.max(width, widthOf(cellsOf(at)[column] ?? '') + padding)
      }
      format(start, at, [...widths, tabs ? Math.ceil(width / tabWidth) * tabWidth : width])
      start = at
    }
    write(start, to, widths)
  }

  format(0, lines.length, [])
  return out.join('\n')
}

const tabWidth = 8

const codePoints = (text: string): number => Array.from(text).length
