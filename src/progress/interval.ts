import type { Timestamp } from '../status/solve-status.ts'

/** A stretch of work; without `stop` it goes on. */
export interface Interval {
  readonly start: Timestamp
  readonly stop: Timestamp | undefined
}

/** Milliseconds of an interval, until `now` when it goes on. */
export function lengthOf(interval: Interval, now: Timestamp): number {
  return (interval.stop ?? now) - interval.start
}

/** Seconds of all intervals together. */
export function totalSeconds(intervals: readonly Interval[], now: Timestamp): number {
  return intervals.reduce((sum, interval) => sum + lengthOf(interval, now) / 1000, 0)
}

/** The same time covered without overlaps, sorted by start. An open interval swallows everything after its start. */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = []
  for (const next of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last === undefined || (last.stop !== undefined && last.stop < next.start)) merged.push(next)
    else if (last.stop === undefined) break
    else if (next.stop === undefined || next.stop > last.stop) {
      merged[merged.length - 1] = { start: last.start, stop: next.stop }
    }
  }
  return merged
}
