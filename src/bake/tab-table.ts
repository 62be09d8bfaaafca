/**
 * Cells ended by tabs put into columns with tabs between them, as Go's text/tabwriter does with a padding of one tab
 * stop of 8. A column is a run of lines that have a cell there; what follows the last tab of a line belongs to none.
 * https://pkg.go.dev/text/tabwriter
 */
export function tabTable(text: string): string {
  const lines = text.split('\n').map(line => line.split('\t'))
  const hasCell = (line: number, column: number): boolean => column < (lines[line]?.length ?? 0) - 1
  const widthAt = (line: number, column: number): number => {
    let [first, last] = [line, line]
    while (hasCell(first - 1, column)) first--
    while (hasCell(last + 1, column)) last++
    let width = 0
    for (let i = first; i <= last; i++) width = Math.max(width, [...(lines[i]?.[column] ?? '')].length)
    return Math.ceil((width + 1) / 8) * 8
  }
  const widths = new Map<string, number>()
  const cached = (line: number, column: number): number => {
    const above = hasCell(line - 1, column) ? widths.get(`${line - 1}.${column}`) : undefined
    const width = above ?? widthAt(line, column)
    widths.set(`${line}.${column}`, width)
    return width
  }
  return lines
    .map((cells, line) =>
      cells
        .map((cell, column) => {
          if (!hasCell(line, column)) return cell
          return cell + '\t'.repeat(Math.ceil((cached(line, column) - [...cell].length) / 8))
        })
        .join(''),
    )
    .join('\n')
}
