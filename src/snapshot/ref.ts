import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { LayerId, PrepareOptions } from './snapshotter.ts'

/** A layer that is known but not unpacked yet. */
export interface LazyLayer {
  readonly descriptor: Descriptor
  readonly diffId: Digest
  readonly chainId: Digest
  /** When it was made, where that is known; milliseconds since 1970. */
  readonly createdMs?: number
  /** How it was made, where that is known. */
  readonly description?: string
  /** What is remembered of the layer once it is unpacked, for disk usage. */
  readonly record?: PrepareOptions
  /** Repository that has the blob (`host/path`), for mounting it into another one at push. */
  readonly repository?: string
  /** Brings the blob into the content store; shared by all that ask. */
  readonly fetch: (signal: AbortSignal) => Promise<void>
  /** Shows what the layer came with as running until the returned function is called. */
  readonly begin?: () => (error?: string) => void
  /** Told when unpacking begins and ends. */
  readonly unpacking?: (done: boolean) => void
}

/** One layer of a ref: on disk, or to be had. */
export type RefLayer =
  | {
      readonly kind: 'layer'
      readonly id: LayerId
      /** The image's own layer that it was unpacked for: equal layers of several images may have different blobs. */
      readonly origin?: LazyLayer
    }
  | { readonly kind: 'lazy'; readonly lazy: LazyLayer }

/** Which files of a local directory are part of a source. Patterns as in .dockerignore; paths relative to the directory. */
export interface LocalFilter {
  readonly includePatterns: readonly string[]
  readonly excludePatterns: readonly string[]
  /** Only these paths (wildcards allowed), with what their symlinks lead to. Empty for all. */
  readonly followPaths: readonly string[]
}

/** A file tree as a stack of layers, lowest first. */
export interface StackRef {
  readonly kind: 'stack'
  readonly layers: readonly RefLayer[]
}

/** A directory of the client, read in place: what a build takes from it is what is there at that moment. */
export interface LocalRef {
  readonly kind: 'local'
  readonly path: string
  readonly filter: LocalFilter
  /** What the frontend calls it, for the history of images made of it. */
  readonly name?: string
}

/** A file tree that a build step made or takes. */
export type Ref = StackRef | LocalRef

/** The empty tree. */
export const scratch: StackRef = { kind: 'stack', layers: [] }
