import { forEachBounded } from '../../async/map-bounded.ts'
import { collect } from '../../bytes/collect.ts'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { isRetryable } from '../../registry/registry-error.ts'
import { type CacheConfig, marshalCacheConfig, parseCacheConfig } from '../chains/cache-config.ts'
import type { CachedLayer } from '../chains/cached-layer.ts'
import type { MarshaledCache } from '../chains/marshal-graph.ts'
import type { CacheContext, ImportedCache } from './cache-backend.ts'

/** Largest description that is read (bytes). */
const maxSize = 64 * 1024 * 1024
const maxAttempts = 3

/**
 * A cache's description for a store that has no manifests: each layer says itself what it is.
 * Form: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/v1/types/spec.go
 */
export function describedCache(cache: MarshaledCache): Uint8Array {
  const layers = cache.config.layers.map((layer, i) => {
    const cached = cache.layers[i]
    if (cached === undefined) throw new SlipwayError('internal', `missing blob ${layer.blob}`)
    const { descriptor, diffId, createdMs } = cached
    const { mediaType, size } = descriptor
    return {
      ...layer,
      annotations: { mediaType, diffId, size, ...(createdMs === undefined ? {} : { createdMs }) },
    }
  })
  return marshalCacheConfig({ ...cache.config, layers })
}

/**
 * Reads such a description; undefined where `open` finds none. Throws `invalid-argument`, also for layers that do not say
 * what they are.
 */
export async function readDescribed(
  open: () => Promise<ByteStream | undefined>,
): Promise<ImportedCache | undefined> {
  const bytes = await readWhole(open)
  if (bytes === undefined) return undefined
  const config = parseCacheConfig(bytes)
  for (const layer of config.layers) {
    if (layer.annotations === undefined)
      throw new SlipwayError('invalid-argument', 'cache layer with missing annotations')
  }
  return { config, layerOf: number => layerOf(config, number) }
}

/** Requests are repeated by whoever sends them; here an answer that breaks off is asked for again. */
async function readWhole(open: () => Promise<ByteStream | undefined>): Promise<Uint8Array | undefined> {
  for (let attempt = 1; ; attempt++) {
    const source = await open()
    if (source === undefined) return undefined
    try {
      return await collect(source, { limit: maxSize, what: 'cache config' })
    } catch (error) {
      if (attempt >= maxAttempts || !isRetryable(error)) throw error
    }
  }
}

function layerOf(config: CacheConfig, number: number): Omit<CachedLayer, 'fetch'> | undefined {
  const layer = config.layers[number]
  if (layer?.annotations === undefined) return undefined
  const { mediaType, size, diffId, createdMs } = layer.annotations
  return {
    descriptor: { mediaType, digest: layer.blob, size },
    diffId,
    ...(createdMs === undefined ? {} : { createdMs }),
  }
}

/** Brings the blobs of a cache, each once, to where they are not yet: `missing` says which, `put` shows as a step. */
export async function writeLayers(
  cache: MarshaledCache,
  work: {
    /** Blobs at the same time. */
    readonly limit: number
    readonly missing: (layer: CachedLayer, signal: AbortSignal) => Promise<boolean>
    readonly put: (layer: CachedLayer, signal: AbortSignal) => Promise<void>
  },
  ctx: CacheContext,
): Promise<void> {
  const blobs = new Map(cache.layers.map(layer => [layer.descriptor.digest, layer]))
  await forEachBounded(
    blobs.values(),
    async (layer, _index, signal) => {
      if (!(await work.missing(layer, signal))) return
      await ctx.progress.step(`writing layer ${layer.descriptor.digest}`, () => work.put(layer, signal))
    },
    { limit: work.limit, signal: ctx.signal },
  )
}
