import { throwIfAborted } from './abort.ts'

/** Synchronous work that may take long: it yields whenever it may be left alone for a while. */
export type Pieces<T> = Generator<undefined, T, undefined>

/** Milliseconds of work after which everything else gets its turn. */
const turnMs = 20

/**
 * Does work that never waits without keeping the thread to itself: signals, timers and sockets get their turn every
 * 20 ms or so. When the signal aborts, the work ends at its `yield`, its `finally` blocks done. Throws `canceled`.
 */
export async function inPieces<T>(work: Pieces<T>, signal?: AbortSignal): Promise<T> {
  try {
    let since = performance.now()
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) return step.value
      const now = performance.now()
      if (now - since < turnMs) continue
      await new Promise<void>(resolve => setImmediate(resolve))
      throwIfAborted(signal)
      since = performance.now()
    }
  } finally {
    work.return(undefined as T)
  }
}

/** Does all of it at once, where nobody waits: in workers. */
export function atOnce<T>(work: Pieces<T>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done === true) return step.value
}
