import { throwIfAborted } from '../async/abort.ts'
import { type BlobRoot, reachableBlobs } from '../content/reachable.ts'
import type { Digest } from '../oci/digest.ts'
import type { State } from './open-state.ts'

/** What must stay besides named images, layers and what live processes hold. */
export interface CollectRoots {
  /** Blobs, and what they lead to: cache manifests, build records. */
  readonly blobs: Iterable<BlobRoot>
}

/** When to stop, and what is too young to go. */
export interface CollectOptions {
  /** Blobs that were written or asked for within this time stay: somebody may be about to use them. @default 600000 */
  readonly graceMs?: number
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signal?: AbortSignal
}

/** Bytes that were freed. */
export interface Collected {
  readonly blobs: number
  readonly bytes: number
}

const defaultGraceMs = 600_000

/**
 * Removes blobs that nothing refers to: no named image, no layer, no root, no live process; and what interrupted
 * removals left. Blobs of layers stay as long as the layers, so that those are not packed or fetched again.
 */
export async function collectBlobs(
  state: State,
  roots: CollectRoots,
  options: CollectOptions,
): Promise<Collected> {
  const { content, images, layers, leases, snapshotter } = state
  const { now, signal, graceMs = defaultGraceMs } = options
  await snapshotter.sweep(now)
  await content.sweep()
  const live = new Set<string>()
  const keep = [...images.list().map(({ descriptor }) => descriptor), ...roots.blobs]
  for (const digest of await reachableBlobs(content, keep, signal)) live.add(digest)
  for (const digest of layers.allBlobs()) live.add(digest)
  const old: { readonly digest: Digest; readonly size: number }[] = []
  for await (const blob of content.list()) {
    if (!live.has(blob.digest) && blob.modifiedMs <= now - graceMs) old.push(blob)
  }
  let bytes = 0
  let blobs = 0
  for (const { digest, size } of old) {
    throwIfAborted(signal)
    // Asked anew for each: a process may have taken a lease since the list was made.
    if (leases.held().blobs.has(digest)) continue
    await content.delete(digest)
    layers.forgetBlob(digest)
    bytes += size
    blobs++
  }
  return { blobs, bytes }
}
