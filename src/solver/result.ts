import type { VertexProgress } from './vertex-progress.ts'

/** What an op produced for one of its outputs. The solver never looks inside. */
export interface Result {
  readonly value: unknown
}

/** Saves results so that later builds find them, and loads them again. Implemented by who knows what a result is. */
export interface ResultStore {
  /** A text from which `load` finds the result again; undefined for results that must not outlive the build. */
  save(result: Result): Promise<string | undefined>
  /** Undefined where what the text names has been removed meanwhile. Transfers that it causes later show at `progress`. */
  load(saved: string, progress?: VertexProgress): Promise<Result | undefined>
  /** Whether `load` would find it, cheaply. */
  exists(saved: string): boolean
}
