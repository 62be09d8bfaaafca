import type { CacheContext, CacheExporter, ReadLayer } from '../cache/backends/cache-backend.ts'
import { CacheGraph } from '../cache/chains/cache-graph.ts'
import type { CachedLayer } from '../cache/chains/cached-layer.ts'
import { marshalGraph } from '../cache/chains/marshal-graph.ts'
import { inlineCache } from '../cache/backends/inline-export.ts'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { Attributes } from '../exporter/attributes.ts'
import { type CompressionOptions, readCompression } from '../exporter/compression-options.ts'
import type { ExporterResponse } from '../exporter/export-context.ts'
import { type ImageLayer, imageLayers, type LayerServices } from '../exporter/image-layers.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import type { Digest } from '../oci/digest.ts'
import { refOf } from '../ops/ref-result.ts'
import type { CacheKey } from '../solver/cache-key.ts'
import { exportCache } from '../solver/export-cache.ts'
import type { Result } from '../solver/result.ts'
import type { CacheSource } from '../solver/solver-shared.ts'
import { type CacheServices, createCacheExporter } from './cache-backends.ts'
import type { CacheEntry } from './cache-imports.ts'

/** A cache that a build writes, its options checked. */
export interface WantedCache {
  readonly exporter: CacheExporter
  readonly compression: CompressionOptions
  readonly mode: 'min' | 'max'
  /** A failure is shown, and the build goes on. */
  readonly ignoreError: boolean
}

/** Caches that a build is to write. */
export interface WantedCaches {
  readonly caches: readonly WantedCache[]
  /** Images that are exported bring their cache along. */
  readonly inline: boolean
}

/**
 * Checks what is asked for. A cache that says nothing of its compression is packed as the build's `outputs` are: their blobs
 * are its own then, and nothing is packed or sent twice. Throws `invalid-argument`.
 */
export function readCacheExports(
  entries: readonly CacheEntry[],
  services: CacheServices,
  outputs: readonly Attributes[] = [],
): WantedCaches {
  const packed = outputs.find(attrs => attrs['compression'] !== undefined)
  const seen = new Set<string>()
  const repeated: string[] = []
  for (const { type, attrs } of entries) {
    const text = JSON.stringify([type, Object.entries(attrs).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    // That images bring their cache along may be said more than once.
    if (seen.has(text) && type !== 'inline') repeated.push(type)
    seen.add(text)
  }
  if (repeated.length > 0) {
    throw new SlipwayError('invalid-argument', `duplicate cache exports [${repeated.join(' ')}]`)
  }
  const caches = entries
    .filter(entry => entry.type !== 'inline')
    .map(({ type, attrs }): WantedCache => {
      const mode = attrs['mode'] === 'max' ? 'max' : 'min'
      const ignoreError = tryParseBool(attrs['ignore-error'] ?? '') ?? false
      const exporter = configured(type, () => createCacheExporter(type, attrs, services))
      const isOpen = attrs['compression'] === undefined && attrs['compression-level'] === undefined
      return {
        exporter,
        compression:
          packed === undefined || !isOpen
            ? exporter.compression
            : { ...readCompression(packed), force: exporter.compression.force },
        mode,
        ignoreError,
      }
    })
  return { caches, inline: entries.some(entry => entry.type === 'inline') }
}

function configured<T>(type: string, work: () => T): T {
  try {
    return work()
  } catch (e) {
    if (!(e instanceof SlipwayError) || /^(?:unknown cache|invalid configuration for remote)/.test(e.message))
      throw e
    throw new SlipwayError(e.code, `failed to configure ${type} cache exporter: ${e.message}`, { cause: e })
  }
}

/** What of a build is exported: for each of its results the keys it is known by. */
export interface ExportedKeys {
  readonly roots: readonly (readonly CacheKey[])[]
  readonly sources: readonly CacheSource[]
}

/** Writes one cache. Throws typed errors. */
export async function writeCache(
  wanted: WantedCache,
  keys: ExportedKeys,
  services: LayerServices,
  ctx: CacheContext,
): Promise<ExporterResponse> {
  const { exporter, mode, compression } = wanted
  const graph = new CacheGraph()
  await ctx.progress.step('preparing build cache for export', () =>
    gather(graph, keys, { mode, compression }, services, ctx),
  )
  const lost = new Set<Digest>()
  for (;;) {
    const cache = marshalGraph(graph, lost)
    if (cache.layers.length === 0) {
      await ctx.progress.step('skipping cache export for empty result', async () => undefined)
      return {}
    }
    const known = lost.size
    const read = readerOf(services, layer => lost.add(layer.descriptor.digest))
    try {
      return await ctx.progress.step('sending cache export', () => exporter.write(cache, read, ctx))
    } catch (e) {
      // An imported cache may have lost blobs: what is there is worth exporting all the same.
      if (lost.size === known || ctx.signal.aborted) throw e
    }
  }
}

/** The cache that one image brings along in its configuration; undefined where there is nothing to say. */
export async function imageCache(
  keys: readonly CacheKey[],
  layers: readonly ImageLayer[],
  options: { readonly sources: readonly CacheSource[]; readonly compression: CompressionOptions },
  services: LayerServices,
  ctx: CacheContext,
): Promise<Uint8Array | undefined> {
  const graph = new CacheGraph()
  const { sources, compression } = options
  await gather(graph, { roots: [keys], sources }, { mode: 'min', compression }, services, ctx)
  return inlineCache(
    graph,
    layers.map(({ descriptor, diffId }) => ({ digest: descriptor.digest, diffId })),
  )
}

async function gather(
  graph: CacheGraph,
  { roots, sources }: ExportedKeys,
  { mode, compression }: { readonly mode: 'min' | 'max'; readonly compression: CompressionOptions },
  services: LayerServices,
  ctx: CacheContext,
): Promise<void> {
  const layers = async (result: Result, make: boolean): Promise<readonly CachedLayer[] | undefined> => {
    const ref = refOf(result)
    if (ref.kind !== 'stack') return undefined
    if (!make && !(await allPacked(result, services))) return undefined
    return imageLayers(ref, { compression, oci: true, preferNondistributable: true }, services, ctx)
  }
  for (const keys of roots) await exportCache(keys.slice(0, 1), graph, { sources, layers, mode })
}

/** Whether every layer has a blob that can be had without packing. */
async function allPacked(result: Result, services: LayerServices): Promise<boolean> {
  const ref = refOf(result)
  if (ref.kind !== 'stack') return false
  for (const layer of ref.layers) {
    if (layer.kind === 'lazy') continue
    const blobs = await services.snapshotter.blobs(layer.id)
    const sizes = await Promise.all(blobs.map(blob => services.content.size(blob.descriptor.digest)))
    if (!sizes.some(size => size !== undefined)) return false
  }
  return true
}

/** Reads layers, bringing them here first; those that nobody has any more are reported, and `not-found` is thrown. */
function readerOf({ content }: LayerServices, isLost: (layer: CachedLayer) => void): ReadLayer {
  return async function* (layer, offset, signal) {
    const { digest } = layer.descriptor
    if ((await content.size(digest)) === undefined) {
      if (layer.fetch === undefined) throw new SlipwayError('not-found', `content ${digest}: not found`)
      await layer.fetch(signal).catch((e: unknown) => {
        if (isSlipwayError(e) && e.code === 'not-found') isLost(layer)
        throw e
      })
    }
    yield* content.read(digest, { offset, signal })
  }
}
