import { abortable, throwIfAborted } from './abort.ts'

/**
 * A first-in first-out channel from any number of producers to any number of `for await` readers (each value goes to
 * one of them). `push` never waits; `send` waits while `capacity` values are unread. After `end` or `fail` readers get
 * what is left, then the end or the error. When a reader leaves its loop early the queue closes: later values are
 * dropped and `push`/`send` answer false.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #capacity: number
  readonly #values: T[] = []
  #end: { readonly error?: unknown } | undefined
  #closed = false
  #changed = Promise.withResolvers<void>()

  constructor(options: { readonly capacity?: number } = {}) {
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY
  }

  /** Number of unread values. */
  get size(): number {
    return this.#values.length
  }

  /** Adds a value at once, over the capacity if need be; false when nobody will read it. */
  push(value: T): boolean {
    if (this.#closed || this.#end !== undefined) return false
    this.#values.push(value)
    this.#notify()
    return true
  }

  /** Adds a value once there is room; false when nobody will read it. Rejects when the signal aborts first. */
  async send(value: T, signal?: AbortSignal): Promise<boolean> {
    throwIfAborted(signal)
    while (this.#values.length >= this.#capacity && !this.#closed && this.#end === undefined) {
      await abortable(this.#changed.promise, signal)
    }
    return this.push(value)
  }

  /** No value comes after the ones already added. Calling it again, or `push` afterwards, does nothing. */
  end(): void {
    this.#end ??= {}
    this.#notify()
  }

  /** As `end`, but every reader gets `error` after the values. */
  fail(error: unknown): void {
    this.#end ??= { error }
    this.#notify()
  }

  /** Drops what is unread and refuses what comes. */
  close(): void {
    this.#closed = true
    this.#values.length = 0
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let finished = false
    try {
      for (;;) {
        if (this.#values.length > 0) {
          const value = this.#values.shift() as T
          this.#notify()
          yield value
        } else if (this.#end !== undefined) {
          finished = true
          if ('error' in this.#end) throw this.#end.error
          return
        } else await this.#changed.promise
      }
    } finally {
      if (!finished) this.close()
    }
  }

  #notify(): void {
    const changed = this.#changed
    this.#changed = Promise.withResolvers<void>()
    changed.resolve()
  }
}
