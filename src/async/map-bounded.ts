import { abortError, anySignal, throwIfAborted } from './abort.ts'

/** What bounded iteration takes besides items and function. */
export interface BoundedOptions {
  /** At most this many calls run at once. */
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

/** One call: `signal` aborts when a sibling failed, the caller's signal aborted, or the results are no longer read. */
export type BoundedCall<T, R> = (item: T, index: number, signal: AbortSignal) => Promise<R>

/**
 * Calls `fn` for every item, at most `limit` at once. The first failure stops taking items and aborts the calls that
 * run; it is thrown once they have settled, so nothing is left running when this returns.
 */
export async function forEachBounded<T>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: BoundedCall<T, unknown>,
  options: BoundedOptions,
): Promise<void> {
  throwIfAborted(options.signal)
  const stop = new AbortController()
  const signal = anySignal(options.signal, stop.signal)
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error: options.signal?.aborted ? abortError(options.signal) : error }
    stop.abort()
  }
  const start = async (item: T, index: number): Promise<void> => {
    try {
      await fn(item, index, signal)
    } catch (error) {
      fail(error)
    }
  }
  try {
    let index = 0
    for await (const item of items) {
      throwIfAborted(options.signal)
      if (failure !== undefined) break
      const call = start(item, index++)
      running.add(call)
      const settled = (): boolean => running.delete(call)
      call.then(settled, settled)
      if (running.size >= options.limit) await Promise.race(running)
    }
  } catch (error) {
    fail(error)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
  throwIfAborted(options.signal)
}

/** As `forEachBounded`, with the results as a list in the order of the items. */
export async function collectBounded<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: BoundedCall<T, R>,
  options: BoundedOptions,
): Promise<R[]> {
  const results: R[] = []
  const call: BoundedCall<T, void> = async (item, index, signal) => {
    results[index] = await fn(item, index, signal)
  }
  await forEachBounded(items, call, options)
  return results
}

/**
 * Yields `fn(item)` of every item in the order of the items, running at most `limit` calls ahead of the reader. A
 * failure anywhere aborts the other calls and is thrown at the next read; when the generator has ended, however it
 * ended, nothing is left running.
 */
export async function* mapBounded<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: BoundedCall<T, R>,
  options: BoundedOptions,
): AsyncGenerator<R, void, undefined> {
  throwIfAborted(options.signal)
  const stop = new AbortController()
  const signal = anySignal(options.signal, stop.signal)
  const window: Promise<{ readonly value: R } | undefined>[] = []
  let failure: { readonly error: unknown } | undefined
  const start = async (item: T, index: number): Promise<{ readonly value: R } | undefined> => {
    try {
      return { value: await fn(item, index, signal) }
    } catch (error) {
      failure ??= { error: options.signal?.aborted ? abortError(options.signal) : error }
      stop.abort()
      return undefined
    }
  }
  const head = async (): Promise<R> => {
    const outcome = await window.shift()
    if (outcome === undefined || failure !== undefined) throw failure?.error
    return outcome.value
  }
  try {
    let index = 0
    for await (const item of items) {
      throwIfAborted(options.signal)
      window.push(start(item, index++))
      if (window.length >= options.limit) yield await head()
    }
    while (window.length > 0) yield await head()
  } finally {
    stop.abort()
    await Promise.all(window)
  }
}
