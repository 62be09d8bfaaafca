import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'

/**
 * The error that stands for an aborted signal: its reason when that is a `SlipwayError`, `deadline-exceeded` for a
 * timeout, else `canceled` with Go's text `context canceled`.
 */
export function abortError(signal: AbortSignal): SlipwayError {
  const reason: unknown = signal.reason
  if (isSlipwayError(reason)) return reason
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new SlipwayError('deadline-exceeded', 'context deadline exceeded', { cause: reason })
  }
  return new SlipwayError('canceled', 'context canceled', { cause: reason })
}

/** Throws `abortError(signal)` when the signal is already aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** One signal that aborts with the first of `signals`; undefined entries are left out, none at all never aborts. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const given = signals.filter(s => s !== undefined)
  if (given.length === 1) return given[0] as AbortSignal
  return AbortSignal.any(given)
}

/**
 * Settles as `promise`, or rejects with `abortError` as soon as the signal aborts. The work behind the promise is not
 * stopped by this (its result is dropped, its failure is swallowed): use it where the work cannot take a signal.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const gone = Promise.withResolvers<never>()
  const onAbort = (): void => gone.reject(abortError(signal))
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, gone.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits `ms` milliseconds; rejects with `abortError` when the signal aborts first, leaving no timer behind. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal)
  const done = Promise.withResolvers<void>()
  const timer = setTimeout(done.resolve, ms)
  const onAbort = (): void => done.reject(abortError(signal as AbortSignal))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await done.promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
