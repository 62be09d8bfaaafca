import type { FileTree } from '../snapshot/tree.ts'

/** One tree of an export that goes to a directory of the client. */
export interface SinkTree {
  readonly tree: FileTree
  /** Directory below the client's destination, empty for the destination itself. */
  readonly prefix: string
  /** Files to add that the tree does not have: path to bytes. */
  readonly extra: ReadonlyMap<string, Uint8Array>
  /** Milliseconds since 1970 of extra files. */
  readonly mtimeMs: number
  /** The same of the prefix's own directory. */
  readonly prefixMtimeMs: number
  /** For progress: `linux/arm64`. */
  readonly label: string
}

/** Where exports that are files go: the client that asked for the build. */
export interface ClientSink {
  /** Sends one stream (an archive). `metadata` describes it, such as names and digest. */
  sendStream(
    exporterId: number,
    metadata: Readonly<Record<string, string>>,
    stream: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>
  /** Sends trees into one directory; `report` is told bytes by label. */
  sendTrees(
    exporterId: number,
    trees: readonly SinkTree[],
    report: (label: string, bytes: number, done: boolean) => void,
    signal: AbortSignal,
  ): Promise<void>
}
