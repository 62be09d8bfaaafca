const tabWidth = 8

/**
 * Rows of cells as columns that are filled up with tabs, as Go's text/tabwriter writes them with tab as padding (at least
 * one character between columns). The last cell of a row is written as it is. One line a row.
 */
export function tabColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) {
      const width = Math.ceil((Array.from(cell).length + 1) / tabWidth) * tabWidth
      widths[i] = Math.max(widths[i] ?? 0, width)
    }
  }
  return rows
    .map(row =>
      row
        .map((cell, i) => {
          if (i === row.length - 1) return cell
          const missing = (widths[i] ?? 0) - Array.from(cell).length
          return cell + '\t'.repeat(Math.ceil(missing / tabWidth))
        })
        .join(''),
    )
    .map(line => `${line}\n`)
    .join('')
}
