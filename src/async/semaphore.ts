import { abortError, throwIfAborted } from './abort.ts'

/** The right to use some of a semaphore; disposing gives it back, a second disposal does nothing. */
export type Permit = Disposable

interface Waiter {
  readonly weight: number
  readonly grant: () => void
}

/**
 * Counts permits: at most `capacity` of weight are out at once, waiters are served in order of arrival (a heavy one
 * at the head keeps lighter ones behind it waiting, so it cannot starve). A weight above the capacity counts as the
 * whole capacity: it runs alone.
 */
export class Semaphore {
  readonly capacity: number
  #free: number
  readonly #waiters: Waiter[] = []

  constructor(capacity: number) {
    this.capacity = capacity
    this.#free = capacity
  }

  /** Number of `acquire` calls that wait. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Waits for a permit; rejects with `canceled` when the signal aborts first. */
  async acquire(signal?: AbortSignal, weight = 1): Promise<Permit> {
    throwIfAborted(signal)
    const need = Math.min(weight, this.capacity)
    if (this.#waiters.length === 0 && this.#free >= need) return this.#take(need)
    const turn = Promise.withResolvers<Permit>()
    const waiter: Waiter = { weight: need, grant: () => turn.resolve(this.#take(need)) }
    this.#waiters.push(waiter)
    const onAbort = (): void => {
      const at = this.#waiters.indexOf(waiter)
      if (at < 0) return
      this.#waiters.splice(at, 1)
      turn.reject(abortError(signal as AbortSignal))
      this.#serve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await turn.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** A permit at once, or undefined when one would have to wait. */
  tryAcquire(weight = 1): Permit | undefined {
    const need = Math.min(weight, this.capacity)
    return this.#waiters.length === 0 && this.#free >= need ? this.#take(need) : undefined
  }

  /** Runs `fn` while holding a permit. */
  async run<T>(fn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    using _permit = await this.acquire(signal)
    return await fn()
  }

  #take(weight: number): Permit {
    this.#free -= weight
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#free += weight
        this.#serve()
      },
    }
  }

  #serve(): void {
    for (;;) {
      const next = this.#waiters[0]
      if (next === undefined || next.weight > this.#free) return
      this.#waiters.shift()
      next.grant()
    }
  }
}
