import { formatFixed } from '../gostd/fixed.ts'
import type { ProgressGroup, Timestamp, Vertex, VertexStatus, VertexWarning } from '../status/solve-status.ts'
import { type Interval, mergeIntervals } from './interval.ts'
import { LogLine, splitLines } from './log-line.ts'
import type { Row } from './row.ts'
import type { Vt100 } from './vt100.ts'

/** What is known of one shown step: a vertex, or a progress group that stands for several. */
export class Step {
  /** The vertex as last received; for a group, the sum of its members. */
  vertex: Vertex
  /** The vertex as it was when the last event about it was noted. */
  noted: Vertex | undefined
  /** Number in plain output, 0 until it was shown. */
  index = 0
  /** Hidden groups are not shown: none of their non-weak members has started. */
  hidden = false

  /** Rows inside the step in the order they started, each as last received. */
  readonly statuses: string[] = []
  readonly statusById = new Map<string, VertexStatus>()
  readonly changedStatuses = new Set<string>()

  readonly warnings: VertexWarning[] = []
  shownWarnings = 0

  lines: LogLine[] = []
  /** Whether the last line may still grow. */
  openLine = false
  /** Pieces of the first of `lines` that were shown already. */
  shownPieces = 0
  /** The last lines that were shown, for the error report. */
  tail: Uint8Array[] = []

  /** Events since this step was last given up by the plain display, and when they began. */
  count = 0
  countedSince: Timestamp | undefined

  term: Vt100 | undefined
  termBytes = 0
  termShown = 0
  /** Rows of the last drawing, dropped when anything changes. */
  rows: readonly Row[] | undefined

  /** By start, so that a later report on the same run replaces the earlier one. */
  readonly intervals = new Map<Timestamp, Interval>()
  merged: readonly Interval[] = []

  constructor(vertex: Vertex, term: Vt100 | undefined) {
    this.vertex = vertex
    this.term = term
  }

  get isStarted(): boolean {
    return this.merged.length > 0
  }

  get lastInterval(): Interval | undefined {
    return this.merged.at(-1)
  }

  get isCompleted(): boolean {
    return this.lastInterval?.stop !== undefined
  }

  get isCanceled(): boolean {
    return this.vertex.error?.endsWith('context canceled') === true
  }

  /** Notes an event for the fair split of the plain display. */
  counted(now: Timestamp): void {
    if (this.count === 0) this.countedSince = now
    this.count++
  }

  setInterval(vertex: Vertex): void {
    if (vertex.started === undefined) return
    this.intervals.set(vertex.started, { start: vertex.started, stop: vertex.completed })
    this.merged = mergeIntervals([...this.intervals.values()])
  }

  setStatus(status: VertexStatus): void {
    const known = this.statusById.get(status.id)
    if (status.started !== undefined && known?.started === undefined) this.statuses.push(status.id)
    this.statusById.set(status.id, status)
    this.changedStatuses.add(status.id)
  }

  addLog(data: Uint8Array, timestamp: Timestamp): void {
    if (data.length === 0) return
    const { lines, ended } = splitLines(data)
    const start = this.lastInterval?.start
    const seconds = start === undefined ? 0 : (timestamp - start) / 1000
    const shown = formatFixed(seconds, seconds < 10 ? 3 : seconds < 100 ? 2 : 1)
    for (const [i, line] of lines.entries()) {
      const open = i === 0 && this.openLine ? this.lines.at(-1) : undefined
      if (open === undefined) this.lines.push(new LogLine(shown, line))
      else open.append(line)
    }
    this.openLine = !ended
  }
}

/** A step made of the vertices of one progress group. */
export class GroupStep extends Step {
  readonly members = new Map<string, Vertex>()

  constructor(group: ProgressGroup, term: Vt100 | undefined) {
    super({ digest: group.id, name: group.name }, term)
    this.hidden = true
  }

  /** Sums the members up again; tells what that changed. */
  refresh(): { readonly changed: boolean; readonly started: boolean; readonly revealed: boolean } {
    const wasStarted = this.isStarted
    const wasHidden = this.hidden
    let changed = false
    let started = false
    let cached = true
    let error = this.vertex.error
    for (const member of this.members.values()) {
      if (member.started !== undefined) {
        const before = this.intervals.get(member.started)
        if (before === undefined || before.stop !== member.completed) changed = true
        if (!wasStarted) started = true
        this.intervals.set(member.started, { start: member.started, stop: member.completed })
        if (member.progressGroup?.weak !== true) this.hidden = false
      }
      cached &&= member.cached === true
      if (error === undefined || error === '') error = member.error
      else this.hidden = false
    }
    if ((this.vertex.cached ?? false) !== cached || (this.vertex.error ?? '') !== (error ?? ''))
      changed = true
    this.vertex = { ...this.vertex, cached, error }
    const revealed = wasHidden && !this.hidden
    this.merged = mergeIntervals([...this.intervals.values()])
    return { changed: changed || revealed, started, revealed }
  }
}
