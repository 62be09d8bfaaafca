import { createHash } from 'node:crypto'
import type { Content } from '../service/parts.ts'

/** An entry of the service. */
export interface CacheHit {
  /** Its whole key. */
  readonly key: string
  /** Streams it; `size` in bytes, -1 where it is not known. */
  read(size: number, signal?: AbortSignal): AsyncIterable<Uint8Array>
}

/** The cache service of GitHub Actions: entries that never change, in the scope of a branch. */
export interface ActionsCache {
  /** The newest entry whose key begins with `key`; undefined where there is none. */
  load(key: string, signal: AbortSignal): Promise<CacheHit | undefined>
  /** Stores an entry; false where there is one of that key. */
  save(key: string, content: Content, signal: AbortSignal): Promise<boolean>
}

/** The version that all entries of BuildKit's caches have: the service keeps versions apart. */
export const entryVersion = createHash('sha256').update('|go-actionscache-1.0').digest('hex')
