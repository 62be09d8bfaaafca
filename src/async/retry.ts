import { sleep, throwIfAborted } from './abort.ts'

/** How often and how patiently to retry. Times are milliseconds. */
export interface RetryOptions {
  /** Tries in all, the first included. @default 5 */
  readonly attempts?: number
  /** Pause before the second try. @default 100 */
  readonly delay?: number
  /** Each further pause is this many times longer. @default 2 */
  readonly factor?: number
  /** No pause is longer. @default 10000 */
  readonly maxDelay?: number
  /** Whether this failure may pass. The default retries everything. */
  readonly retryable?: (error: unknown, attempt: number) => boolean
  /** A pause the failure itself asks for (Retry-After), in place of the computed one. */
  readonly delayFor?: (error: unknown, attempt: number) => number | undefined
  /** A number in [0, 1): each computed pause is shortened by up to half of it, to spread callers. @default 0 */
  readonly jitter?: () => number
  readonly signal?: AbortSignal | undefined
  /** Replaces the timer in tests. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

/**
 * Calls `fn(attempt)` (attempt counts from 1) until it succeeds, its failure is not retryable, or the tries are used
 * up; then the last failure is thrown. An aborted signal ends it between and inside pauses.
 */
export async function retry<T>(fn: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, delay = 100, factor = 2, maxDelay = 10_000, signal } = options
  const pause = options.sleep ?? sleep
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal)
    try {
      return await fn(attempt)
    } catch (error) {
      throwIfAborted(signal)
      if (attempt >= attempts || options.retryable?.(error, attempt) === false) throw error
      const computed = Math.min(maxDelay, delay * factor ** (attempt - 1))
      const spread = computed * (1 - (options.jitter?.() ?? 0) / 2)
      await pause(options.delayFor?.(error, attempt) ?? spread, signal)
    }
  }
}
