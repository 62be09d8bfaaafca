import type { SolveStatus, Timestamp, Vertex, VertexLog } from '../status/solve-status.ts'
import { type Row, rowsOf } from './row.ts'
import { GroupStep, Step } from './step.ts'
import type { Vt100 } from './vt100.ts'

/** What the tty display draws. */
export interface TraceView {
  /** When the build started, in local time. */
  readonly startTime: Timestamp
  readonly rows: readonly Row[]
  readonly total: number
  readonly completed: number
}

/** What a trace needs from its display. */
export interface TraceOptions {
  readonly now: () => Timestamp
  /** Makes the log window of a step, for displays that show windows. */
  readonly newTerm?: () => Vt100
  /** Called before output goes to a window. */
  readonly prepareTerm?: (term: Vt100) => void
}

/** All that a status stream told so far, in the form that the plain and the tty display need. */
export class Trace {
  /** Steps in the order they started. */
  readonly steps: Step[] = []
  /** Every digest that was seen; the members of a group lead to the group. */
  readonly byDigest = new Map<string, Step>()
  /** Steps with news that the plain display has not shown. */
  readonly updated = new Set<string>()
  readonly #groups = new Map<string, GroupStep>()
  readonly #options: TraceOptions
  #startTime: Timestamp | undefined
  /** Local time minus the time of the stream. */
  #shift = 0

  constructor(options: TraceOptions) {
    this.#options = options
  }

  /** Takes one message in. */
  update(status: SolveStatus): void {
    const touched = new Set<GroupStep>()
    for (const vertex of status.vertexes ?? []) {
      this.#startTime ??= vertex.started
      const group = this.#groupOf(vertex)
      if (group === undefined) this.#vertex(vertex)
      else touched.add(group)
    }
    for (const group of touched) this.#refreshGroup(group)
    for (const row of status.statuses ?? []) {
      const step = this.byDigest.get(row.vertex)
      if (step === undefined) continue
      step.setStatus(row)
      this.#news(step)
    }
    for (const warning of status.warnings ?? []) {
      const step = this.byDigest.get(warning.vertex)
      if (step === undefined) continue
      step.warnings.push(warning)
      step.counted(this.#options.now())
    }
    for (const log of status.logs ?? []) this.#log(log)
  }

  /** The rows and numbers to draw now. */
  view(): TraceView {
    let total = 0
    let completed = 0
    for (const step of this.byDigest.values()) {
      if (step.hidden) continue
      total++
      if (step.isCompleted) completed++
    }
    const rows = this.steps.flatMap(step => (step.rows ??= rowsOf(step, this.#shift)))
    const startTime = this.#startTime === undefined ? this.#options.now() : this.#startTime + this.#shift
    return { startTime, rows, total, completed }
  }

  #groupOf(vertex: Vertex): GroupStep | undefined {
    const { progressGroup } = vertex
    if (progressGroup === undefined) return undefined
    let group = this.#groups.get(progressGroup.id)
    if (group === undefined) {
      group = new GroupStep(progressGroup, this.#options.newTerm?.())
      this.#groups.set(progressGroup.id, group)
      this.byDigest.set(progressGroup.id, group)
    }
    group.members.set(vertex.digest, vertex)
    this.byDigest.set(vertex.digest, group)
    return group
  }

  #refreshGroup(group: GroupStep): void {
    const { changed, started, revealed } = group.refresh()
    if (started) this.#synchronize(group.merged[0]?.start)
    if (group.hidden) return
    if (revealed) this.steps.push(group)
    if (changed) {
      group.counted(this.#options.now())
      this.updated.add(group.vertex.digest)
    }
    group.rows = undefined
  }

  #vertex(vertex: Vertex): void {
    const known = this.byDigest.get(vertex.digest)
    const step = known ?? new Step(vertex, this.#options.newTerm?.())
    if (known === undefined) this.byDigest.set(vertex.digest, step)
    this.#event(step, vertex)
    if (vertex.started !== undefined && !step.isStarted) {
      this.#synchronize(vertex.started)
      this.steps.push(step)
    }
    if (!step.isStarted || vertex.started !== undefined) step.vertex = vertex
    step.setInterval(vertex)
    step.rows = undefined
    if (step.term !== undefined && step.isCompleted && !vertex.error) step.lines = []
  }

  #event(step: Step, vertex: Vertex): void {
    if (vertex.started === undefined) return
    const { noted } = step
    const changed =
      noted === undefined ||
      vertex.name !== noted.name ||
      vertex.started !== noted.started ||
      vertex.completed !== undefined ||
      (vertex.cached ?? false) !== (noted.cached ?? false) ||
      (vertex.error ?? '') !== (noted.error ?? '')
    step.noted = vertex
    if (!changed) return
    step.counted(this.#options.now())
    this.updated.add(vertex.digest)
  }

  #log(log: VertexLog): void {
    const step = this.byDigest.get(log.vertex)
    if (step === undefined) return
    if (step.term !== undefined) {
      this.#options.prepareTerm?.(step.term)
      step.termBytes += log.data.length
      step.term.write(log.data)
    }
    step.addLog(log.data, log.timestamp)
    this.#news(step)
  }

  #news(step: Step): void {
    step.rows = undefined
    this.updated.add(step.vertex.digest)
    step.counted(this.#options.now())
  }

  #synchronize(started: Timestamp | undefined): void {
    if (this.#shift === 0 && started !== undefined) this.#shift = this.#options.now() - started
  }
}
