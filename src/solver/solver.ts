import type { Semaphore } from '../async/semaphore.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import type { CacheKey } from './cache-key.ts'
import type { Op, ResolveOp } from './op.ts'
import type { Result } from './result.ts'
import type { CacheSource, SolverShared } from './solver-shared.ts'
import type { Edge, Vertex } from './vertex.ts'
import { type Holder, VertexState, type Waiter } from './vertex-state.ts'

/** What a solver is made of. */
export interface SolverOptions {
  readonly resolveOp: ResolveOp
  readonly cache: CacheSource
  /** Limits how many ops work at the same time. */
  readonly parallelism: Semaphore
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A vertex of a build that was solved. */
export interface VisitedVertex {
  readonly vertex: Vertex
  readonly op: Op
  /** Outputs that somebody asked for. */
  readonly outputs: readonly number[]
  /** The result of an output as far as it is there, made or in the main cache; nothing is run or shown for it. */
  peek(output: number): Promise<Result | undefined>
}

/** One build's view of the solver. Disposing it lets go of all its vertices. */
export interface Job extends Disposable {
  readonly id: string
  /**
   * The result of an edge. Rejects with the first failure after all other work for this call has stopped.
   */
  build(edge: Edge, signal: AbortSignal): Promise<Result>
  /** Keys of an edge that was built, under which its result and what it was made from can be exported. */
  keys(edge: Edge): readonly CacheKey[]
  /** The main cache and those that this build imported. */
  readonly cacheSources: readonly CacheSource[]
  /** Caches that this build imports, asked after the main one. */
  addCacheSource(source: CacheSource): void
  /** Every vertex that a result depends on, each once: inputs after what uses them. */
  walk(edge: Edge): Iterable<VisitedVertex>
  /** Vertices seen so far: how many there are, were found in a cache, have run. */
  counts(): { readonly total: number; readonly cached: number; readonly completed: number }
}

/** Runs graphs of vertices: each vertex once, whoever asks for it, in parallel where the graph allows. */
export class Solver implements SolverShared {
  readonly main: CacheSource
  readonly parallelism: Semaphore
  readonly running = new Map<string, Promise<void>>()
  readonly now: () => number
  readonly #resolveOp: ResolveOp
  readonly #states = new Map<string, VertexState>()
  readonly #jobs = new Map<string, JobState>()

  constructor(options: SolverOptions) {
    this.main = options.cache
    this.parallelism = options.parallelism
    this.now = options.now
    this.#resolveOp = options.resolveOp
  }

  resolveOp(body: unknown, digest: string): ReturnType<ResolveOp> {
    return this.#resolveOp(body, digest)
  }

  state(vertex: Vertex): VertexState {
    const id = stateId(vertex)
    const known = this.#states.get(id)
    if (known) return known
    const state = new VertexState(vertex, this)
    this.#states.set(id, state)
    return state
  }

  sources(vertex: Vertex): readonly CacheSource[] {
    const state = this.#states.get(stateId(vertex))
    const imported = [...(state?.holders ?? [])].flatMap(holder => holder.sources)
    return [this.main, ...imported]
  }

  async all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
    const settled = await Promise.allSettled(promises)
    const failed = settled.filter(one => one.status === 'rejected').map(one => one.reason as unknown)
    if (failed.length > 0) throw failed.find(reason => !isCanceled(reason)) ?? failed[0]
    return settled.map(one => (one as PromiseFulfilledResult<T>).value)
  }

  /** Opens a build. Throws `already-exists` where a build of this id is open. */
  job(id: string, options: { sessions: readonly string[]; listener: (status: SolveStatus) => void }): Job {
    if (this.#jobs.has(id)) throw new SlipwayError('already-exists', `job ID ${id} exists`)
    const job = new JobState(id, this, options, () => this.#jobs.delete(id))
    this.#jobs.set(id, job)
    return job
  }

  /** Forgets states that no build holds. */
  release(state: VertexState): void {
    if (state.holders.size === 0) this.#states.delete(stateId(state.vertex))
  }
}

const stateId = (vertex: Vertex): string =>
  vertex.ignoreCache ? `${vertex.digest}-ignorecache` : vertex.digest

const isCanceled = (e: unknown): boolean => e instanceof SlipwayError && e.code === 'canceled'

class JobState implements Job, Holder {
  readonly id: string
  readonly sources: CacheSource[] = []
  readonly listener: (status: SolveStatus) => void
  readonly #solver: Solver
  readonly #sessions: readonly string[]
  readonly #states = new Set<VertexState>()
  readonly #ended: () => void

  constructor(
    id: string,
    solver: Solver,
    options: { sessions: readonly string[]; listener: (status: SolveStatus) => void },
    ended: () => void,
  ) {
    this.id = id
    this.#solver = solver
    this.#sessions = options.sessions
    this.listener = options.listener
    this.#ended = ended
  }

  get cacheSources(): readonly CacheSource[] {
    return [this.#solver.main, ...this.sources]
  }

  keys(edge: Edge): readonly CacheKey[] {
    return this.#solver.state(edge.vertex).edge(edge.index).solvedKeys
  }

  addCacheSource(source: CacheSource): void {
    this.sources.push(source)
  }

  async build(edge: Edge, signal: AbortSignal): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted()
      let failed = false
      let states: ReadonlySet<VertexState> = new Set()
      const leave = (): void => {
        for (const state of states) state.leave(waiter)
      }
      const waiter: Waiter = {
        sessions: this.#sessions,
        failed: () => {
          failed = true
          leave()
        },
      }
      states = this.#join(edge.vertex, waiter)
      signal.addEventListener('abort', leave, { once: true })
      try {
        return await this.#solver.state(edge.vertex).edge(edge.index).result()
      } catch (e) {
        // A build that shares the vertex was cancelled at the moment this one joined: its work is begun again.
        if (!isCanceled(e) || failed || signal.aborted || attempt >= 5) throw e
      } finally {
        signal.removeEventListener('abort', leave)
        leave()
      }
    }
  }

  *walk(edge: Edge): Iterable<VisitedVertex> {
    const seen = new Set<Vertex>()
    const todo = [edge.vertex]
    for (let vertex = todo.pop(); vertex !== undefined; vertex = todo.pop()) {
      if (seen.has(vertex)) continue
      seen.add(vertex)
      const state = this.#solver.state(vertex)
      yield { vertex, op: state.op, outputs: state.outputs(), peek: output => state.edge(output).peek() }
      for (const input of vertex.inputs) todo.push(input.vertex)
    }
  }

  counts(): { total: number; cached: number; completed: number } {
    let cached = 0
    let completed = 0
    for (const state of this.#states) {
      if (state.executed) completed++
      else if (state.reporter.isCached) cached++
    }
    return { total: this.#states.size, cached, completed: completed + cached }
  }

  [Symbol.dispose](): void {
    for (const state of this.#states) {
      state.reporter.removeListener(this.listener)
      state.holders.delete(this)
      this.#solver.release(state)
    }
    this.#states.clear()
    this.#ended()
  }

  #join(root: Vertex, waiter: Waiter): Set<VertexState> {
    const states = new Set<VertexState>()
    const todo = [root]
    while (todo.length > 0) {
      const vertex = todo.pop() as Vertex
      const state = this.#solver.state(vertex)
      if (states.has(state)) continue
      states.add(state)
      state.join(waiter)
      if (!this.#states.has(state)) {
        this.#states.add(state)
        state.hold(this)
      }
      for (const input of vertex.inputs) todo.push(input.vertex)
    }
    return states
  }
}
