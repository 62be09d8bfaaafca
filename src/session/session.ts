import type { Transport } from '@connectrpc/connect'
import { SlipwayError } from '../errors/slipway-error.ts'
import { throwIfAborted } from '../async/abort.ts'
import type { LocalDirectory, StreamReceiver } from './attachable.ts'

/** How the engine reaches the client of a build: the services that the client's session serves. */
export interface SessionCaller {
  readonly id: string
  /** What the client calls itself; shown, never compared. */
  readonly name: string
  /** Equal for builds of the same project, so that their transferred sources are shared. May be empty. */
  readonly sharedKey: string
  /** Tells whether the session serves a method, given as `/pkg.Service/Method`; case does not count. */
  supports(methodUrl: string): boolean
  /** Calls throw `SlipwayError` and need a signal to be cancelled; use `callUnary` and `callStream`. */
  readonly transport: Transport
  /** In-process sessions only: the absolute directory behind a local source, to be read in place. */
  localDir?(name: string): string | undefined
  /** In-process sessions only: takes the one stream of an exporter as it is. */
  localStream?(exporterId: number): StreamReceiver | undefined
  /** In-process sessions only: the directory that an exporter's files are written to. */
  localTarget?(exporterId: number): LocalDirectory | undefined
  /** Settles when the client has gone or the session was closed; never rejects. */
  readonly closed: Promise<void>
}

/** Milliseconds that a build waits for the session it names. Source: buildkit v0.32.2 session/group.go. */
const defaultWaitMs = 5000

/** The sessions that are open now, by id. */
export class SessionStore {
  readonly #callers = new Map<string, SessionCaller>()
  readonly #waiting = new Map<string, Set<(caller: SessionCaller) => void>>()

  /**
   * Makes a session known until it closes or the result is disposed. Throws `already-exists` where the id is taken.
   */
  register(caller: SessionCaller): Disposable {
    if (this.#callers.has(caller.id)) {
      throw new SlipwayError('already-exists', `session ${caller.id} already exists`)
    }
    this.#callers.set(caller.id, caller)
    const remove = (): void => {
      if (this.#callers.get(caller.id) === caller) this.#callers.delete(caller.id)
    }
    void caller.closed.then(remove)
    for (const wake of this.#waiting.get(caller.id) ?? []) wake(caller)
    this.#waiting.delete(caller.id)
    return { [Symbol.dispose]: remove }
  }

  /**
   * The session of this id, which may register within `waitMs` (default 5000) from now; text before a colon in `id` only
   * tells vertices apart and is ignored. Throws `deadline-exceeded` (`no active session for X: context deadline
   * exceeded`), `canceled` when the signal aborts.
   */
  async get(
    id: string,
    options: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
  ): Promise<SessionCaller> {
    const colon = id.indexOf(':')
    const key = colon >= 0 && colon + 1 < id.length ? id.slice(colon + 1) : id
    throwIfAborted(options.signal)
    const known = this.#callers.get(key)
    if (known !== undefined) return known
    return await this.#wait(key, options.waitMs ?? defaultWaitMs, options.signal)
  }

  /** The session of this id if it is open now. */
  peek(id: string): SessionCaller | undefined {
    return this.#callers.get(id)
  }

  async #wait(id: string, ms: number, signal: AbortSignal | undefined): Promise<SessionCaller> {
    const found = Promise.withResolvers<SessionCaller>()
    const missing = (code: 'canceled' | 'deadline-exceeded', why: string): void =>
      found.reject(new SlipwayError(code, `no active session for ${id}: ${why}`))
    const onAbort = (): void => missing('canceled', 'context canceled')
    const timer = setTimeout(() => missing('deadline-exceeded', 'context deadline exceeded'), ms)
    signal?.addEventListener('abort', onAbort, { once: true })
    const wakers = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, wakers.add(found.resolve))
    try {
      return await found.promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      wakers.delete(found.resolve)
      if (wakers.size === 0 && this.#waiting.get(id) === wakers) this.#waiting.delete(id)
    }
  }
}
