import { SlipwayError } from '../errors/slipway-error.ts'
import type { SolveStatus, Vertex } from '../status/solve-status.ts'

/**
 * The status stream of one build: everything is kept until the build is forgotten, so that a reader that comes late sees
 * it whole. Readers are woken, never waited for.
 */
export class StatusHub {
  readonly #messages: SolveStatus[] = []
  readonly #waiting = new Set<() => void>()
  readonly #untouched = new Map<string, Vertex>()
  #ended = false

  readonly write = (status: SolveStatus): void => {
    if (this.#ended) return
    const { vertexes } = status
    this.#messages.push(
      vertexes === undefined
        ? status
        : { ...status, vertexes: vertexes.flatMap(vertex => this.#withInputs(vertex)) },
    )
    this.#wake()
  }

  /**
   * What a vertex needs has been there when it begins: inputs that nobody has looked at were not needed because of the cache.
   * Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/progress.go
   */
  #withInputs(vertex: Vertex): Vertex[] {
    if (vertex.started === undefined) {
      this.#untouched.set(vertex.digest, vertex)
      return [vertex]
    }
    this.#untouched.delete(vertex.digest)
    const { started } = vertex
    const found = [vertex]
    // By hand, not by recursion: there may be many thousands, one behind the other.
    for (let at = 0; at < found.length; at++) {
      for (const input of found[at]?.inputs ?? []) {
        const known = this.#untouched.get(input)
        if (known === undefined) continue
        this.#untouched.delete(input)
        found.push({ ...known, cached: true, started, completed: started })
      }
    }
    return found.reverse()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** All messages from the beginning, until the build ends. */
  async *read(signal: AbortSignal): AsyncIterable<SolveStatus> {
    for (let at = 0; ; ) {
      while (at < this.#messages.length) {
        const batch = this.#messages.slice(at)
        at += batch.length
        yield merge(batch)
      }
      if (this.#ended) return
      await this.#next(signal)
    }
  }

  /** What was written so far. */
  get messages(): readonly SolveStatus[] {
    return this.#messages
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async #next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new SlipwayError('canceled', 'context canceled')
    const woken = Promise.withResolvers<void>()
    const abort = (): void => woken.reject(new SlipwayError('canceled', 'context canceled'))
    this.#waiting.add(woken.resolve)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await woken.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#waiting.delete(woken.resolve)
    }
  }
}

/** Several messages as one: a slow reader gets few large ones. */
function merge(messages: readonly SolveStatus[]): SolveStatus {
  const [only] = messages
  if (messages.length === 1 && only !== undefined) return only
  return {
    vertexes: messages.flatMap(message => message.vertexes ?? []),
    statuses: messages.flatMap(message => message.statuses ?? []),
    logs: messages.flatMap(message => message.logs ?? []),
    warnings: messages.flatMap(message => message.warnings ?? []),
  }
}
