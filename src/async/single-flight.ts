import { abortError, throwIfAborted } from './abort.ts'

/** What one caller of `SingleFlight.run` may pass. */
export interface FlightOptions<P> {
  /** This caller's interest: when it aborts, the caller leaves; the work goes on for the others. */
  readonly signal?: AbortSignal | undefined
  /** Receives every later report of the work, and at once the last earlier one. */
  readonly onReport?: (report: P) => void
}

/** The shared work: its `signal` aborts when the last caller has left; `report` reaches all callers. */
export type FlightWork<V, P> = (signal: AbortSignal, report: (report: P) => void) => Promise<V>

interface Flight<V, P> {
  readonly result: Promise<V>
  readonly controller: AbortController
  readonly listeners: Set<(report: P) => void>
  waiters: number
  last: { readonly report: P } | undefined
}

/**
 * Runs work once for all callers that ask for the same key at the same time; all get its result or its error. Nothing
 * is remembered afterwards. A caller that comes after the last one left starts anew, even while the aborted work is
 * still winding down.
 */
export class SingleFlight<K, V, P = never> {
  readonly #flights = new Map<K, Flight<V, P>>()

  /** Number of keys in flight. */
  get size(): number {
    return this.#flights.size
  }

  /** Joins the flight of `key`, or starts `work`. Rejects with `canceled` as soon as this caller's signal aborts. */
  async run(key: K, work: FlightWork<V, P>, options: FlightOptions<P> = {}): Promise<V> {
    const { signal, onReport } = options
    throwIfAborted(signal)
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.waiters++
    if (onReport !== undefined) {
      flight.listeners.add(onReport)
      if (flight.last !== undefined) onReport(flight.last.report)
    }
    const left = Promise.withResolvers<never>()
    const onAbort = (): void => left.reject(abortError(signal as AbortSignal))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([flight.result, left.promise])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (onReport !== undefined) flight.listeners.delete(onReport)
      flight.waiters--
      if (flight.waiters === 0) this.#abandon(key, flight, signal)
    }
  }

  #start(key: K, work: FlightWork<V, P>): Flight<V, P> {
    const controller = new AbortController()
    const listeners = new Set<(report: P) => void>()
    const report = (value: P): void => {
      flight.last = { report: value }
      for (const listener of listeners) listener(value)
    }
    const result = Promise.resolve().then(() => work(controller.signal, report))
    const flight: Flight<V, P> = { result, controller, listeners, waiters: 0, last: undefined }
    this.#flights.set(key, flight)
    const landed = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    result.then(landed, landed)
    return flight
  }

  /** Aborting work that has already settled does nothing, so the reason need not be known. */
  #abandon(key: K, flight: Flight<V, P>, signal: AbortSignal | undefined): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    flight.controller.abort(signal?.reason)
  }
}
