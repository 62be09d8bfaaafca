import { forEachBounded } from '../../async/map-bounded.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { ExporterResponse } from '../../exporter/export-context.ts'
import { marshalCacheConfig, parseCacheConfig } from '../chains/cache-config.ts'
import type { CachedLayer } from '../chains/cached-layer.ts'
import type { MarshaledCache } from '../chains/marshal-graph.ts'
import type { CacheContext, ImportedCache } from './cache-backend.ts'

/** Sends each blob once; `send` resolves when it is there, and shows a step only where it writes. */
export async function sendLayers(
  cache: MarshaledCache,
  limit: number,
  ctx: CacheContext,
  send: (layer: CachedLayer, signal: AbortSignal) => Promise<void>,
): Promise<Uint8Array> {
  const blobs = new Map(cache.layers.map(layer => [layer.descriptor.digest, layer]))
  await forEachBounded([...blobs.values()], (layer, _, signal) => send(layer, signal), {
    limit,
    signal: ctx.signal,
  })
  const layers = cache.config.layers.map(one => {
    const layer = blobs.get(one.blob)
    if (layer === undefined) throw new SlipwayError('internal', `missing blob ${one.blob}`)
    const { descriptor, diffId, createdMs } = layer
    const { mediaType, size } = descriptor
    return {
      ...one,
      annotations: { mediaType, diffId, size, ...(createdMs === undefined ? {} : { createdMs }) },
    }
  })
  return marshalCacheConfig({ ...cache.config, layers })
}

/** Reads a description whose layers are described in it. Throws `invalid-argument`. */
export function readAnnotated(bytes: Uint8Array): ImportedCache {
  const config = parseCacheConfig(bytes)
  for (const layer of config.layers) {
    if (layer.annotations === undefined)
      throw new SlipwayError('invalid-argument', 'cache layer with missing annotations')
  }
  return {
    config,
    layerOf(number) {
      const layer = config.layers[number]
      if (layer?.annotations === undefined) return undefined
      const { mediaType, size, diffId, createdMs } = layer.annotations
      return {
        descriptor: { mediaType, digest: layer.blob, size },
        diffId,
        ...(createdMs === undefined ? {} : { createdMs }),
      }
    },
  }
}

/** These caches tell the client nothing. */
export const noResponse: ExporterResponse = {}
