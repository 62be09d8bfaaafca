/** A position in a text file: `line` counts from 1, `character` from 0 (UTF-8 bytes are not meant, code units are). */
export interface Position {
  readonly line: number
  readonly character: number
}

/** A stretch of a file, both ends included. */
export interface Range {
  readonly start: Position
  readonly end: Position
}

/** A user's file with the stretches of it that an error or a warning is about. */
export interface SourceRange {
  readonly filename: string
  /** The whole text of the file, from which the excerpt is cut. */
  readonly data: Uint8Array
  readonly language?: string
  readonly ranges: readonly Range[]
  /** The graph that brings the file, as an encoded pb.Definition. */
  readonly definition?: Uint8Array
}
