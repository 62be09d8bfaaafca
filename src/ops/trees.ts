import type { Ref, StackRef } from '../snapshot/ref.ts'
import type { ActiveLayer, LayerId, LayerStack } from '../snapshot/snapshotter.ts'
import type { FileTree, WritableTree } from '../snapshot/tree.ts'
import type { FileDigestCache } from './content-hash.ts'

/** How ops get at file trees. Lazy layers are brought and unpacked when a tree is wanted. */
export interface Trees {
  /** Layers on disk, lowest first; a local directory is copied into a layer of its own. */
  stack(ref: Ref, signal: AbortSignal): Promise<LayerStack>
  /** The tree for reading; the caller disposes it. */
  view(ref: Ref, signal: AbortSignal): Promise<FileTree>
  /** A new layer on top of a tree. */
  prepare(ref: StackRef, options: { description: string; signal: AbortSignal }): Promise<ActiveLayer>
  /**
   * The tree of an active layer, for reading and writing. `parentTimes`: whether a directory keeps its time when
   * something is made or removed in it (the default), or shows when that was.
   */
  writable(active: ActiveLayer, options?: { readonly parentTimes: 'kept' | 'touched' }): WritableTree
  /** The layer, or one like it, that says the same on any tree: what it changes, and nothing of what it was made on. */
  detached(layer: LayerId, signal: AbortSignal): Promise<LayerId>
  /** Absolute directory of each layer. */
  directories(stack: LayerStack): readonly string[]
  /** Digests of files that were computed before; undefined where the ref keeps none. */
  digestCache(ref: Ref): FileDigestCache | undefined
}
