import type { ProgressGroup } from '../status/solve-status.ts'

/** One output of a vertex. */
export interface Edge {
  readonly vertex: Vertex
  readonly index: number
}

/**
 * A node of the build graph. Vertices with equal digests are the same work, whoever asks for it.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/types.go
 */
export interface Vertex {
  readonly digest: string
  /** Shown to users. */
  readonly name: string
  readonly inputs: readonly Edge[]
  /** Run it even where a cached result exists; the new result is kept. */
  readonly ignoreCache: boolean
  readonly progressGroup?: ProgressGroup
  /** Keep its row out of the display, as its work is part of another row. */
  readonly hidden?: boolean
  /** What the vertex does: only the function that turns vertices into ops looks inside. */
  readonly body: unknown
}
