import { sleep, throwIfAborted } from '../../async/abort.ts'
import { asSlipwayError } from '../../errors/slipway-error.ts'
import { isRetryable } from '../registry-error.ts'

/** How patiently transfers are repeated. */
export interface RetryPolicy {
  /** Milliseconds before the second try; doubled each time. @default 1000 */
  readonly firstDelay?: number
  /** A pause as long as this is not made any more, in milliseconds. @default 8000 */
  readonly lastDelay?: number
  /** Receives `error: …` and `retrying in 1s`, one line each. */
  readonly onNotice?: ((line: string) => void) | undefined
  /** Replaces the timer in tests. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined
}

/** Bytes that must have come through for the count of tries to start anew. */
const progressWorth = 1024 * 1024

/**
 * The tries of one transfer. A failure that may pass is followed by a pause of 1, 2, then 4 seconds; the next one is
 * final. A try that got a mebibyte further starts the count anew.
 * Source: github.com/moby/buildkit util/resolver/retryhandler/retry.go at v0.32.2.
 */
export class Tries {
  readonly #policy: RetryPolicy
  readonly #signal: AbortSignal | undefined
  #delay: number
  #moved = 0

  constructor(policy: RetryPolicy, signal?: AbortSignal) {
    this.#policy = policy
    this.#signal = signal
    this.#delay = policy.firstDelay ?? 1000
  }

  /** So many bytes more got through. */
  moved(bytes: number): void {
    this.#moved += bytes
  }

  /** Returns after a pause when another try makes sense, else throws `error`. */
  async failed(error: unknown): Promise<void> {
    throwIfAborted(this.#signal)
    const { firstDelay = 1000, lastDelay = 8000, onNotice } = this.#policy
    if (!isRetryable(error)) throw error
    if (this.#moved >= progressWorth) this.#delay = firstDelay
    onNotice?.(`error: ${asSlipwayError(error).message}`)
    if (this.#delay >= lastDelay) throw error
    this.#moved = 0
    onNotice?.(`retrying in ${this.#delay / 1000}s`)
    await (this.#policy.sleep ?? sleep)(this.#delay, this.#signal)
    this.#delay *= 2
  }
}

/** Calls `transfer` until it succeeds or fails for good, as `Tries` has it. */
export async function retryTransfer<T>(
  transfer: () => Promise<T>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  const tries = new Tries(policy, signal)
  for (;;) {
    throwIfAborted(signal)
    try {
      return await transfer()
    } catch (error) {
      await tries.failed(error)
    }
  }
}
