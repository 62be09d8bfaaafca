import type { Clock } from './clock.ts'

/** Answers true at most once per `rate` milliseconds. */
export function drawLimit(clock: Clock, rate: number): () => boolean {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    if (now - last < rate) return false
    last = now
    return true
  }
}
