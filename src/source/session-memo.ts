import type { SessionStore } from '../session/session.ts'
import type { SourceContext } from './source-context.ts'

/**
 * What was found out once holds as long as the client's session lasts: all steps of a build see the same commit behind a
 * branch, and the same bytes behind a URL. Failures are not kept.
 */
export class SessionMemo<T> {
  readonly #sessions: SessionStore
  readonly #found = new Map<string, Map<string, Promise<T>>>()

  constructor(sessions: SessionStore) {
    this.#sessions = sessions
  }

  /** What `make` found for `key` before, or finds now. */
  async get(key: string, ctx: SourceContext, make: () => Promise<T>): Promise<T> {
    const id = ctx.sessions().at(-1)
    const session = id === undefined ? undefined : this.#sessions.peek(id)
    if (id === undefined || session === undefined) return make()
    let known = this.#found.get(id)
    if (known === undefined) {
      known = new Map()
      this.#found.set(id, known)
      void session.closed.then(() => this.#found.delete(id))
    }
    const before = known.get(key)
    if (before !== undefined) return before
    const made = make()
    known.set(key, made)
    made.catch(() => known.delete(key))
    return made
  }
}
