import type { Row } from './row.ts'
import type { Step } from './step.ts'

/** The room there is. */
export interface Room {
  /** Rows of the terminal. */
  readonly height: number
  /** Rows of one log window. */
  readonly logRows: number
  /** Show every row, as at the end. */
  readonly all: boolean
}

/**
 * Chooses the rows to draw and the steps whose log window is drawn: windows go to the running steps with the most
 * output while there is room, rows that do not fit are cut at the top, running ones last.
 */
export function chooseRows(
  rows: readonly Row[],
  room: Room,
): { readonly rows: readonly Row[]; readonly windows: ReadonlySet<Step> } {
  const running = rows.filter(row => !row.isCompleted)
  const candidates = running.map(row => row.step).filter(step => step !== undefined && step.termBytes > 0)
  const weight = (step: Step): number => step.termBytes + step.termShown * 50
  const sorted = (candidates as Step[]).sort((a, b) => weight(b) - weight(a))
  const windows = new Set<Step>()
  const windowRows = room.logRows + 3
  let free = room.height - 2 - running.length
  let hidden = 0
  for (const step of sorted) {
    if (free <= windowRows) break
    windows.add(step)
    hidden += step.term?.usedHeight ?? 0
    free -= windowRows
  }
  return { rows: room.all ? rows : fitRows(rows, room.height - 2 - hidden), windows }
}

/** The last `limit` rows; completed ones among them make place for running ones that would be cut. */
function fitRows(rows: readonly Row[], limit: number): readonly Row[] {
  if (limit < 0) return []
  if (rows.length <= limit) return rows
  const shown = rows.slice(rows.length - limit)
  const lost = rows.slice(0, rows.length - limit).filter(row => !row.isCompleted)
  if (lost.length === 0) return shown
  let wanted = lost.length
  const kept = shown.filter(row => {
    const keep = !row.isCompleted || wanted <= 0
    wanted--
    return keep
  })
  const places = shown.length - kept.length
  return [...lost.slice(lost.length - places), ...kept]
}
