import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import { EdgeState } from './edge-state.ts'
import { memo } from './memo.ts'
import type { CacheMap, Op, OpContext } from './op.ts'
import type { Result } from './result.ts'
import type { CacheSource, SolverShared } from './solver-shared.ts'
import type { Vertex } from './vertex.ts'
import { VertexReporter } from './vertex-progress.ts'

/** Somebody who waits for a vertex: while there is one, its work goes on. */
export interface Waiter {
  readonly sessions: readonly string[]
  /** Called when a vertex that it waits for has failed. */
  failed(): void
}

/** Somebody who keeps the state of a vertex: a build that has not ended. */
export interface Holder {
  readonly listener: (status: SolveStatus) => void
  /** Caches that the build imported. */
  readonly sources: readonly CacheSource[]
}

/**
 * The state of one vertex, shared by all builds that contain it. Its work runs once, and is aborted when the last waiter
 * has gone; a later waiter starts it afresh.
 */
export class VertexState {
  readonly vertex: Vertex
  readonly reporter: VertexReporter
  readonly holders = new Set<Holder>()
  readonly #shared: SolverShared
  readonly #waiters = new Set<Waiter>()
  readonly #edges = new Map<number, EdgeState>()
  #abort = new AbortController()
  #op: Op | undefined
  readonly cacheMaps: () => Promise<readonly CacheMap[]>
  readonly #run: () => Promise<readonly Result[]>
  /** Failures that no stop from outside has brought about, and how many builds had held the vertex by then. */
  readonly #final = new WeakMap<Error, number>()
  /** How many builds have held the vertex. */
  #holdings = 0
  /** Whether the op ran in this state (and was not found in a cache). */
  executed = false

  constructor(vertex: Vertex, shared: SolverShared) {
    this.vertex = vertex
    this.#shared = shared
    this.reporter = new VertexReporter(vertex)
    // A build that asks again is told the same; one that comes later may have what was missing.
    const isFinal = (e: unknown): boolean => e instanceof Error && this.#final.get(e) === this.#holdings
    this.cacheMaps = memo(() => this.guard(() => this.#findKeys(), 'failed to load cache key'), isFinal)
    this.#run = memo(() => this.guard(() => this.#execute()), isFinal)
  }

  get op(): Op {
    this.#op ??= this.#shared.resolveOp(this.vertex.body, this.vertex.digest)
    return this.#op
  }

  edge(index: number): EdgeState {
    const known = this.#edges.get(index)
    if (known) return known
    const edge = new EdgeState(this, index, this.#shared)
    this.#edges.set(index, edge)
    return edge
  }

  /** Outputs that somebody asked for. */
  outputs(): readonly number[] {
    return [...this.#edges.keys()]
  }

  /** States of the inputs, in order. */
  inputs(): EdgeState[] {
    return this.vertex.inputs.map(input => this.#shared.state(input.vertex).edge(input.index))
  }

  /** A build begins to keep the state. */
  hold(holder: Holder): void {
    this.holders.add(holder)
    this.#holdings++
    this.reporter.addListener(holder.listener)
  }

  join(waiter: Waiter): void {
    this.#waiters.add(waiter)
    if (this.#abort.signal.aborted) this.#abort = new AbortController()
  }

  leave(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter) || this.#waiters.size > 0) return
    this.#abort.abort(new SlipwayError('canceled', 'context canceled'))
  }

  context(): OpContext {
    const sessions = (): string[] => [...new Set([...this.#waiters].flatMap(waiter => waiter.sessions))]
    return { signal: this.#abort.signal, progress: this.reporter, name: this.vertex.name, sessions }
  }

  /** Runs the op on its solved inputs, once. */
  async exec(): Promise<readonly Result[]> {
    return this.#run()
  }

  /** Asks the op for its keys. A source is at work by then (it looks where it stands), and shows it. */
  async #findKeys(): Promise<readonly CacheMap[]> {
    if (this.vertex.inputs.length > 0) return await this.op.cacheMaps(this.context())
    const end = this.reporter.start()
    try {
      const maps = await this.op.cacheMaps(this.context())
      end()
      return maps
    } catch (e) {
      end(this.#abort.signal.aborted ? 'context canceled' : asSlipwayError(e).message)
      throw e
    }
  }

  async #execute(): Promise<readonly Result[]> {
    const inputs = await this.#shared.all(this.inputs().map(input => input.result()))
    const signal = this.#abort.signal
    const op = this.op
    await op.prepare?.(inputs, this.context())
    using _permit = op.limited === false ? undefined : await this.#shared.parallelism.acquire(signal)
    signal.throwIfAborted()
    if (op.isHere?.() === true) {
      const results = await op.exec(inputs, this.context())
      this.reporter.cached()
      return results
    }
    const end = this.reporter.start()
    try {
      const results = await op.exec(inputs, this.context())
      this.executed = true
      end()
      return results
    } catch (e) {
      end(signal.aborted ? 'context canceled' : asSlipwayError(e).message)
      throw e
    }
  }

  /**
   * Work of the vertex: its failure names the vertex, shows in its row, and stops whoever waits. `what` comes before the
   * message, except in the row.
   */
  async guard<T>(work: () => Promise<T>, what?: string): Promise<T> {
    try {
      return await work()
    } catch (e) {
      const error = asSlipwayError(e)
      if (error.code === 'canceled') throw error
      const isFinal = !this.#abort.signal.aborted
      for (const waiter of [...this.#waiters]) waiter.failed()
      const named = this.#named(error, what)
      if (isFinal) this.#final.set(named, this.#holdings)
      throw named
    }
  }

  #named(error: SlipwayError, what: string | undefined): SlipwayError {
    if (error.details.some(detail => detail.type === 'errdefs.Vertex')) return error
    if (!this.reporter.touched) this.reporter.start()(error.message)
    const { hint, exitCode, sources, message, code } = error
    return new SlipwayError(code, what === undefined ? message : `${what}: ${message}`, {
      cause: error.cause ?? error,
      sources,
      details: [...error.details, { type: 'errdefs.Vertex', digest: this.vertex.digest }],
      ...(hint === undefined ? {} : { hint }),
      ...(exitCode === undefined ? {} : { exitCode }),
    })
  }
}
