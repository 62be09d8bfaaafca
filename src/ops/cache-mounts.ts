/** How a cache mount is shared by steps that run at the same time. */
export type CacheSharing = 'shared' | 'private' | 'locked'

/** Who gets which directory. */
export interface CacheMountRequest {
  /** Identity of the cache, name space included. */
  readonly id: string
  readonly sharing: CacheSharing
  /** Layers whose files the directory begins with, lowest first; empty for an empty directory. Part of the identity. */
  readonly base: readonly string[]
  /** Shown in disk usage. */
  readonly description: string
  readonly signal: AbortSignal
}

/** A cache directory in use. Disposing it gives it back; what is in it stays for the next step. */
export interface CacheMountLease extends AsyncDisposable {
  readonly path: string
}

/** Directories that live longer than a build: package caches, compiler caches. */
export interface CacheMounts {
  /**
   * A directory that is shared now, or one that nobody uses, or a new one; `locked` waits, for those who use one, also in
   * another process.
   */
  acquire(request: CacheMountRequest): Promise<CacheMountLease>
  /** Forgets the caches of these identities: the next step begins anew, also while others use what was there. */
  clear(ids: Iterable<string>): Promise<void>
}
