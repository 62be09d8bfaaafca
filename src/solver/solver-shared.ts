import type { Semaphore } from '../async/semaphore.ts'
import type { KeyStore } from './key-store.ts'
import type { Op } from './op.ts'
import type { ResultStore } from './result.ts'
import type { Vertex } from './vertex.ts'
import type { VertexState } from './vertex-state.ts'

/** A key store with the results that its records name. */
export interface CacheSource {
  readonly keys: KeyStore
  readonly results: ResultStore
}

/** What the states of one solver have in common. */
export interface SolverShared {
  /** Where new keys and results go, and the first place to look. */
  readonly main: CacheSource
  /** The main cache and those that builds of the vertex imported. */
  sources(vertex: Vertex): readonly CacheSource[]
  readonly parallelism: Semaphore
  resolveOp(body: unknown, digest: string): Op
  state(vertex: Vertex): VertexState
  /** Work under way by the identity of what is made, so that equal work of different vertices runs once. */
  readonly running: Map<string, Promise<void>>
  /** Like `Promise.all`, but settles only after every promise has settled (nothing is left behind on failure). */
  all<T>(promises: readonly Promise<T>[]): Promise<T[]>
  /** Milliseconds since 1970. */
  now(): number
}
