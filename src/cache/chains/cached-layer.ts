import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'

/** A layer of a cached result. The media type is OCI's. */
export interface CachedLayer {
  readonly descriptor: Descriptor
  readonly diffId: Digest
  /** Milliseconds since 1970. */
  readonly createdMs?: number
  readonly description?: string
  /** Brings the blob into the content store where it is not there yet. */
  readonly fetch?: (signal: AbortSignal) => Promise<void>
}

/** Annotations of layers in the manifest of a cache. Source: https://github.com/moby/buildkit/blob/v0.32.2/cache/remote.go */
export const layerAnnotation = {
  created: 'buildkit/createdat',
  diffId: 'containerd.io/uncompressed',
} as const
