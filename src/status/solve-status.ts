import type { SourceRange } from '../errors/source-range.ts'
import type { JsonValue } from '../gostd/json.ts'

/**
 * A moment of a build: milliseconds since the Unix epoch, with a fraction (a double keeps better than one microsecond
 * until the year 2200). On the wire it is a google.protobuf.Timestamp, in rawjson an RFC 3339 text.
 */
export type Timestamp = number

/** Vertices that are drawn as one row: equal `id`, drawn under `name`. `weak` groups never hide a started vertex. */
export interface ProgressGroup {
  readonly id: string
  readonly name: string
  readonly weak?: boolean
}

/**
 * The state of one vertex, sent whole each time it changes. A vertex without `started` is only known to exist;
 * `completed` without `error` is success; a vertex that runs again carries a newer `started` and no `completed`.
 * `moby.buildkit.v1.Vertex`: https://github.com/moby/buildkit/blob/v0.32.2/api/services/control/control.proto
 */
export interface Vertex {
  /** Digest of the definition, or of random bytes for client steps; only compared. */
  readonly digest: string
  readonly inputs?: readonly string[]
  readonly name: string
  readonly started?: Timestamp | undefined
  readonly completed?: Timestamp | undefined
  readonly cached?: boolean
  readonly error?: string | undefined
  readonly progressGroup?: ProgressGroup | undefined
}

/** Progress inside a vertex: one row (`transferring context`, a layer). `current` and `total` are bytes; total 0 = unknown. */
export interface VertexStatus {
  /** Unique inside its vertex, and the text that is shown. */
  readonly id: string
  readonly vertex: string
  readonly name?: string
  readonly current: number
  readonly total?: number
  readonly timestamp: Timestamp
  readonly started?: Timestamp | undefined
  readonly completed?: Timestamp | undefined
}

/** A piece of the output of a vertex; it may end in the middle of a line. */
export interface VertexLog {
  readonly vertex: string
  /** 1 = stdout, 2 = stderr. */
  readonly stream: number
  readonly data: Uint8Array
  readonly timestamp: Timestamp
}

/** A warning about a vertex or, with `source`, about a stretch of a user's file. */
export interface VertexWarning {
  readonly vertex: string
  readonly level: number
  readonly short: string
  readonly detail?: readonly string[]
  readonly url?: string
  readonly source?: SourceRange | undefined
  /** The graph that brings the file, in the form of Go's JSON of pb.Definition. */
  readonly definition?: JsonValue | undefined
}

/** One message of the status stream: what changed since the one before. Every list may be missing. */
export interface SolveStatus {
  readonly vertexes?: readonly Vertex[]
  readonly statuses?: readonly VertexStatus[]
  readonly logs?: readonly VertexLog[]
  readonly warnings?: readonly VertexWarning[]
}

/** Receives status messages in order. It must not throw and must not wait: slow readers queue on their side. */
export type StatusWriter = (status: SolveStatus) => void
