/** How a cache mount is shared by steps that run at the same time. */
export type CacheSharing = 'shared' | 'private' | 'locked'

/** Who gets which directory. */
export interface CacheMountRequest {
  /** Identity of the cache, name space included. */
  readonly id: string
  readonly sharing: CacheSharing
  /** Layers the directory begins with, lowest first; empty for an empty directory. */
  readonly base: readonly string[]
  /** Shown in disk usage. */
  readonly description: string
  readonly signal: AbortSignal
}

/** A cache directory in use. Disposing it gives it back; what is in it stays for the next step. */
export interface CacheMountLease extends AsyncDisposable {
  readonly path: string
  /** The layers below the directory, lowest first, where the cache began with a tree. */
  readonly lowers: readonly string[]
  /** Work directory for an overlay, where there are layers below. */
  readonly work: string
}

/** Directories that live longer than a build: package caches, compiler caches. */
export interface CacheMounts {
  /** Waits where `locked` and somebody has it, also in another process. */
  acquire(request: CacheMountRequest): Promise<CacheMountLease>
  /** Empties caches of these identities that nobody uses now: the next step begins with an empty directory. */
  clear(ids: Iterable<string>): Promise<void>
}
