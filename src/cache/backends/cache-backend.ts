import type { CompressionOptions } from '../../exporter/compression-options.ts'
import type { ExporterResponse, ExportProgress } from '../../exporter/export-context.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { CacheConfig } from '../chains/cache-config.ts'
import type { CachedLayer } from '../chains/cached-layer.ts'
import type { MarshaledCache } from '../chains/marshal-graph.ts'

/** What a backend may use while it works for one build. */
export interface CacheContext {
  readonly signal: AbortSignal
  readonly progress: ExportProgress
  /** Session of the client; empty where it has none. */
  readonly sessionId: string
}

/** Where the blobs of an imported cache are. */
export interface CacheBlobs {
  /** Verified by the one who reads. Throws `not-found`. */
  fetch(
    descriptor: Descriptor,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<Uint8Array>
  /** Repository in a registry (`host/path`) that the blobs can be mounted from. */
  readonly repository?: string
}

/** One description with the layers that it speaks of, by its own numbers. */
export interface ImportedCache {
  readonly config: CacheConfig
  /** Undefined where nothing is known of the layer's blob: results with it are left out. */
  readonly layerOf: (layer: number) => Omit<CachedLayer, 'fetch'> | undefined
}

/** What an import has found. An image for several platforms brings an inline cache for each. */
export interface CacheImportResult {
  readonly caches: readonly ImportedCache[]
  readonly blobs: CacheBlobs
}

/** A place that a cache is read from, its options checked. */
export interface CacheImporter {
  /** Reads the description. Throws typed errors (`not-found` where there is none): the build goes on without it. */
  load(ctx: CacheContext): Promise<CacheImportResult>
}

/** A place that a cache is written to, its options checked. */
export interface CacheExporter {
  /** Name of the step: `exporting cache to registry`. */
  readonly name: string
  readonly compression: CompressionOptions
  /**
   * Writes blobs that are not there yet, then the description, so that it never names what is missing. `read` opens a
   * layer's blob, bringing it into the content store first.
   */
  write(cache: MarshaledCache, read: ReadLayer, ctx: CacheContext): Promise<ExporterResponse>
}

/** Opens a layer's blob from `offset` (bytes) on. */
export type ReadLayer = (layer: CachedLayer, offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>
