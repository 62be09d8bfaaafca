import { progressAmount } from './byte-size.ts'
import type { Interval } from './interval.ts'
import type { Step } from './step.ts'

/** One row of the tty display: a step, or a status or warning under it. Intervals are in local time. */
export interface Row {
  readonly name: string
  /** The amount at the right of the name. */
  readonly amount: string
  readonly intervals: readonly Interval[]
  readonly isCompleted: boolean
  readonly kind: 'plain' | 'error' | 'canceled'
  /** Set on the row of the step itself, not on those under it. */
  readonly step: Step | undefined
}

/** A step with what is under it. `shift` is added to its times to have them in local time. */
export function rowsOf(step: Step, shift: number): Row[] {
  return [stepRow(step, shift), ...statusRows(step, shift), ...warningRows(step, shift)]
}

function stepRow(step: Step, shift: number): Row {
  const { vertex } = step
  const failed = vertex.error !== undefined && vertex.error !== ''
  let name = vertex.name.replaceAll('\t', ' ')
  if (failed) name = `${step.isCanceled ? 'CANCELED' : 'ERROR'} ${name}`
  if (vertex.cached === true) name = `CACHED ${name}`
  return {
    name,
    amount: '',
    intervals: step.merged.map(interval => shifted(interval, shift)),
    isCompleted: [...step.intervals.values()].every(interval => interval.stop !== undefined),
    kind: !failed ? 'plain' : step.isCanceled ? 'canceled' : 'error',
    step,
  }
}

function statusRows(step: Step, shift: number): Row[] {
  return step.statuses.flatMap(id => {
    const status = step.statusById.get(id)
    if (status === undefined) return []
    const start = status.started ?? status.completed ?? status.timestamp
    const stop = status.started === undefined ? start : status.completed
    return {
      name: `=> ${id}`,
      amount: progressAmount(status.current, status.total),
      intervals: [shifted({ start, stop }, shift)],
      isCompleted: status.completed !== undefined,
      kind: 'plain' as const,
      step: undefined,
    }
  })
}

function warningRows(step: Step, shift: number): Row[] {
  const last = step.lastInterval
  return step.warnings.map(warning => ({
    name: `WARN: ${warning.short}`,
    amount: '',
    intervals: last === undefined ? [] : [shifted(last, shift)],
    isCompleted: false,
    kind: 'canceled' as const,
    step: undefined,
  }))
}

function shifted(interval: Interval, shift: number): Interval {
  return {
    start: interval.start + shift,
    stop: interval.stop === undefined ? undefined : interval.stop + shift,
  }
}
