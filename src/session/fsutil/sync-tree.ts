import type { ByteStream } from '../../bytes/byte-stream.ts'
import type { Stat } from '../../proto/gen/fsutil_pb.ts'

/** A tree of files to send. */
export interface SyncTree {
  /**
   * The entries in path order: parents before children, names of one directory by their bytes, the root left out.
   * Paths are relative. A further name of a file carries the first as `linkname`.
   */
  walk(signal?: AbortSignal): AsyncIterable<Stat>
  /** The content of a regular file, by its path in the walk. */
  open(path: string, signal?: AbortSignal): ByteStream
}

/** Order of relative paths as a walk visits them: by bytes, but `/` before everything else. */
export function comparePaths(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x === slash) return -1
    if (y === slash) return 1
    // Code units above the surrogates sort by bytes as they do by number; within, whole strings must be compared.
    return x < 0xd800 && y < 0xd800 ? x - y : Buffer.compare(Buffer.from(a.slice(i)), Buffer.from(b.slice(i)))
  }
  return a.length - b.length
}

const slash = 0x2f
