import { SlipwayError } from '../../errors/slipway-error.ts'
import { parseRfc3339 } from '../../gostd/time.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isDigest } from '../../oci/digest.ts'
import { type Manifest, type ParsedManifest, parseManifest } from '../../oci/manifest.ts'
import { cacheConfigType, parseCacheConfig } from '../chains/cache-config.ts'
import { type CachedLayer, layerAnnotation } from '../chains/cached-layer.ts'
import type { CacheBlobs, CacheContext, ImportedCache } from './cache-backend.ts'
import { inlineCacheOf } from './inline-import.ts'
import { readDocument } from './read-document.ts'

/** Deepest nesting of indexes that is followed in search of inline caches. */
const maxDepth = 8

/**
 * Reads a cache kept as an image: a manifest or index of its own, or the inline caches of a plain image.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/import.go
 */
export async function importManifest(
  bytes: Uint8Array,
  blobs: CacheBlobs,
  ctx: CacheContext,
): Promise<readonly ImportedCache[]> {
  const parsed = parseManifest(bytes)
  await ctx.progress.step(`inferred cache manifest type: ${parsed.mediaType}`, async () => undefined)
  const entries = parsed.kind === 'index' ? parsed.index.manifests : parsed.manifest.layers
  const config =
    parsed.kind === 'index'
      ? parsed.index.manifests.find(entry => entry.mediaType === cacheConfigType)
      : [parsed.manifest.config].find(entry => entry.mediaType === cacheConfigType)
  if (config === undefined) return inlineCaches(parsed, blobs, ctx.signal, 0)
  const described = parseCacheConfig(await readDocument(blobs, config, ctx.signal))
  const layers = new Map(entries.map(entry => [entry.digest, layerFrom(entry)]))
  return [
    {
      config: described,
      layerOf(number) {
        const layer = described.layers[number]
        return layer && layers.get(layer.blob)
      },
    },
  ]
}

/** Layers that do not say what they unpack to cannot be used. */
function layerFrom(descriptor: Descriptor): Omit<CachedLayer, 'fetch'> | undefined {
  const { annotations = {}, ...rest } = descriptor
  const { [layerAnnotation.diffId]: diffId, [layerAnnotation.created]: created, ...others } = annotations
  if (!isDigest(diffId)) return undefined
  // What an eStargz layer says of itself goes along into images.
  const kept = Object.keys(others).length === 0 ? rest : { ...rest, annotations: others }
  return { descriptor: kept, diffId, ...(created === undefined ? {} : { createdMs: parseRfc3339(created) }) }
}

async function inlineCaches(
  parsed: ParsedManifest,
  blobs: CacheBlobs,
  signal: AbortSignal,
  depth: number,
): Promise<readonly ImportedCache[]> {
  if (parsed.kind === 'manifest') return inlineOf(parsed.manifest, blobs, signal)
  if (depth >= maxDepth) throw new SlipwayError('invalid-argument', 'indexes are nested too deeply')
  const found: ImportedCache[] = []
  for (const entry of parsed.index.manifests) {
    const below = parseManifest(await readDocument(blobs, entry, signal), entry.mediaType)
    found.push(...(await inlineCaches(below, blobs, signal, depth + 1)))
  }
  return found
}

async function inlineOf(
  manifest: Manifest,
  blobs: CacheBlobs,
  signal: AbortSignal,
): Promise<readonly ImportedCache[]> {
  if (manifest.layers.length === 0) return []
  const cache = inlineCacheOf(await readDocument(blobs, manifest.config, signal), manifest.layers)
  return cache === undefined ? [] : [cache]
}
