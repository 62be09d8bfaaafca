import type { SolveStatus, Vertex as VertexStatusMessage, VertexWarning } from '../status/solve-status.ts'
import type { Vertex } from './vertex.ts'

/** Progress of one vertex, as its op reports it. */
export interface VertexProgress {
  /**
   * Shows the vertex as running, also after its end, until the returned function is called: for work on its result. Calls nest;
   * what came from a cache stays so.
   */
  resume(): (error?: string) => void
  /** A piece of output; stream 1 is stdout, 2 stderr. */
  log(stream: 1 | 2, data: Uint8Array): void
  /** A row of its own below the vertex. `current` and `total` in bytes. */
  status(id: string, state: { current?: number; total?: number; completed?: boolean }): void
  /** Runs `work` with a row that shows when it began and ended. */
  step<T>(id: string, work: () => Promise<T>): Promise<T>
  warn(warning: Omit<VertexWarning, 'vertex'>): void
}

const now = (): number => performance.timeOrigin + performance.now()

/**
 * State of one vertex as the status stream tells it: every change goes to all listeners, and a listener that comes later
 * is told the present state (not the past).
 */
export class VertexReporter implements VertexProgress {
  readonly #vertex: Vertex
  readonly #listeners = new Set<(status: SolveStatus) => void>()
  readonly #statuses = new Map<string, NonNullable<SolveStatus['statuses']>[number]>()
  readonly #logs: NonNullable<SolveStatus['logs']>[number][] = []
  readonly #warnings: VertexWarning[] = []
  #message: VertexStatusMessage
  #running = 0

  constructor(vertex: Vertex) {
    this.#vertex = vertex
    this.#message = {
      digest: vertex.digest,
      inputs: vertex.inputs.map(input => input.vertex.digest),
      name: vertex.name,
      ...(vertex.progressGroup === undefined ? {} : { progressGroup: vertex.progressGroup }),
    }
  }

  /** Whether anything was shown as begun, ended or cached. */
  get touched(): boolean {
    return this.#message.started !== undefined
  }

  /** Whether it stands as found in a cache. */
  get isCached(): boolean {
    return this.#message.cached === true
  }

  addListener(listener: (status: SolveStatus) => void): void {
    if (this.#vertex.hidden || this.#listeners.has(listener)) return
    this.#listeners.add(listener)
    listener({
      vertexes: [this.#message],
      statuses: [...this.#statuses.values()],
      logs: [...this.#logs],
      warnings: [...this.#warnings],
    })
  }

  removeListener(listener: (status: SolveStatus) => void): void {
    this.#listeners.delete(listener)
  }

  /** Marks the vertex as running until the returned function is called; calls nest. */
  start(): (error?: string) => void {
    return this.#run(false)
  }

  resume(): (error?: string) => void {
    return this.#run(this.isCached)
  }

  #run(cached: boolean): (error?: string) => void {
    if (
      this.#running++ === 0 &&
      (this.#message.started === undefined || this.#message.completed !== undefined)
    ) {
      const { completed: _completed, error: _error, ...rest } = this.#message
      this.#change({ ...rest, cached, started: now() })
    }
    let ended = false
    return error => {
      if (ended) return
      ended = true
      if (--this.#running === 0 || error !== undefined) {
        const { completed, error: known } = this.#message
        if (completed !== undefined && (error === undefined || error === known)) return
        this.#closeStatuses()
        this.#change({ ...this.#message, completed: now(), ...(error === undefined ? {} : { error }) })
      }
    }
  }

  /** Tells that a cached result stands for the vertex. */
  cached(): void {
    if (this.#message.cached) return
    const at = now()
    this.#change({ ...this.#message, started: this.#message.started ?? at, completed: at, cached: true })
  }

  log(stream: 1 | 2, data: Uint8Array): void {
    const log = { vertex: this.#vertex.digest, stream, data, timestamp: now() }
    this.#logs.push(log)
    this.#emit({ logs: [log] })
  }

  status(id: string, state: { current?: number; total?: number; completed?: boolean }): void {
    const at = now()
    const before = this.#statuses.get(id)
    const message = {
      id,
      vertex: this.#vertex.digest,
      current: state.current ?? before?.current ?? 0,
      total: state.total ?? before?.total ?? 0,
      timestamp: at,
      started: before?.started ?? at,
      ...(state.completed ? { completed: at } : {}),
    }
    this.#statuses.set(id, message)
    this.#emit({ statuses: [message] })
  }

  async step<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.status(id, {})
    const value = await work()
    this.status(id, { completed: true })
    return value
  }

  /** What goes on in a vertex has ended when it has: displays show no end of one with something open. */
  #closeStatuses(): void {
    for (const [id, { completed }] of this.#statuses)
      if (completed === undefined) this.status(id, { completed: true })
  }

  warn(warning: Omit<VertexWarning, 'vertex'>): void {
    const message = { ...warning, vertex: this.#vertex.digest }
    this.#warnings.push(message)
    this.#emit({ warnings: [message] })
  }

  #change(message: VertexStatusMessage): void {
    this.#message = message
    this.#emit({ vertexes: [message] })
  }

  #emit(status: SolveStatus): void {
    for (const listener of this.#listeners) listener(status)
  }
}
