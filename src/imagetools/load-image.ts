import { forEachBounded } from '../async/map-bounded.ts'
import { collect } from '../bytes/collect.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parseDigest } from '../oci/digest.ts'
import { type ImageConfig, maxConfigSize, parseImageConfig } from '../oci/image-config.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { type Manifest, maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { isIndexType, isManifestType } from '../oci/media-type.ts'
import { formatPlatform, normalizePlatform } from '../oci/platform.ts'
import { type Attestations, readAttestations } from './attestation.ts'
import type { ImageTools } from './image-tools.ts'
import type { Inspected } from './inspect.ts'

/** What is known of one platform of an image. */
export interface LoadedPlatform {
  readonly platform: string
  readonly config: ImageConfig
  readonly attestations: Attestations
}

interface Entry {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
}

/** Documents fetched at the same time. */
const parallel = 8
const maxManifests = 10_000

/**
 * Fetches everything below an image that `--format` may show, sorted by platform: configurations, and the attestations
 * where they are asked for. Source: github.com/docker/buildx util/imagetools/loader.go at v0.36.1.
 */
export async function loadImage(
  inspected: Inspected,
  tools: ImageTools,
  options: { readonly attestations: boolean },
): Promise<readonly LoadedPlatform[]> {
  const store = tools.open(inspected.location)
  const entries = await collectManifests(inspected, store, tools.signal)
  const about = (entry: Entry): string | undefined =>
    entry.descriptor.annotations?.[annotation.oldReferenceDigest] ??
    entry.descriptor.annotations?.[annotation.referenceDigest]
  const attested = Map.groupBy(
    entries.filter(e => about(e) !== undefined),
    e => parseDigest(about(e)),
  )
  const platforms = new Map<string, LoadedPlatform>()
  await forEachBounded(
    entries.filter(e => about(e) === undefined),
    async ({ descriptor, manifest }, _, signal) => {
      const stream = store.fetch(manifest.config, { signal })
      const what = `config ${manifest.config.digest}`
      const config = parseImageConfig(await collect(stream, { limit: maxConfigSize, what }))
      const { architecture, os, variant } = config
      const own = { architecture, os, ...(variant === undefined ? {} : { variant }) }
      const platform = formatPlatform(normalizePlatform(descriptor.platform ?? own))
      const manifests = options.attestations
        ? (attested.get(descriptor.digest) ?? []).map(e => e.manifest)
        : []
      platforms.set(platform, {
        platform,
        config,
        attestations: await readAttestations(store, manifests, signal),
      })
    },
    { limit: parallel, signal: tools.signal },
  )
  return [...platforms.values()].sort((a, b) => (a.platform < b.platform ? -1 : 1))
}

/** All manifests below an index, in order, level by level. */
async function collectManifests(
  inspected: Inspected,
  store: ImageStore,
  signal: AbortSignal | undefined,
): Promise<readonly Entry[]> {
  const found = new Map<string, Entry>()
  const seen = new Set<string>()
  let level: readonly Descriptor[] = [inspected.descriptor]
  while (level.length > 0) {
    const next: (readonly Descriptor[])[] = []
    const fetch = async (descriptor: Descriptor, i: number, inner: AbortSignal): Promise<void> => {
      if (seen.has(descriptor.digest)) return
      seen.add(descriptor.digest)
      if (seen.size > maxManifests)
        throw new SlipwayError('resource-exhausted', 'image with too many manifests')
      if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) return
      const what = `manifest ${descriptor.digest}`
      const stream = store.fetch(descriptor, { signal: inner })
      const parsed = parseManifest(
        await collect(stream, { limit: maxManifestSize, what }),
        descriptor.mediaType,
      )
      if (parsed.kind === 'manifest') found.set(descriptor.digest, { descriptor, manifest: parsed.manifest })
      else next[i] = parsed.index.manifests
    }
    await forEachBounded(level, fetch, { limit: parallel, signal })
    level = next.flat()
  }
  return [...found.values()]
}
