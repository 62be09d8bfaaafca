import type { ContentStore } from '../content/content-store.ts'
import type { ImageNames } from '../content/image-names.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { WrittenImage, WrittenManifest } from '../exporter/image-writer.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { matchingManifests, onlyPlatform } from '../oci/platform-match.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts'

/** An image of the local store and how it was named. */
export interface FoundImage {
  /** Full reference, or the digest where it was asked for by that. */
  readonly name: string
  readonly descriptor: Descriptor
}

/**
 * The image that a user's words mean: a reference (`app`, `host/app:1`), a digest, or the beginning of one that is in the
 * store. Throws `not-found` with what there is.
 */
export async function findImage(
  text: string,
  images: ImageNames,
  content: ContentStore,
): Promise<FoundImage> {
  const hex = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text
  if (/^[0-9a-f]{6,64}$/.test(hex)) {
    const found = images.list().find(image => image.descriptor.digest.startsWith(`sha256:${hex}`))
    if (found) return { name: found.reference, descriptor: found.descriptor }
    if (isDigest(`sha256:${hex}`)) {
      const digest = parseDigest(`sha256:${hex}`)
      const size = await content.size(digest)
      if (size !== undefined)
        return {
          name: digest,
          descriptor: { mediaType: parseManifest(await content.readAll(digest)).mediaType, digest, size },
        }
    }
  }
  const name = formatReference(withDefaultTag(parseReference(text)))
  const found = images.get(name)
  if (found) return { name, descriptor: found.descriptor }
  throw new SlipwayError('not-found', `no image ${name} in the local store`, {
    hint: '`slipway image ls` lists the images there are; `slipway build -t NAME` makes one',
  })
}

/** An image of the local store with all its documents, ready to be saved or pushed. */
export async function readImage(descriptor: Descriptor, content: ContentStore): Promise<WrittenImage> {
  const bytes = await content.readAll(descriptor.digest)
  const parsed = parseManifest(bytes, descriptor.mediaType)
  if (parsed.kind === 'manifest') {
    const manifest = await readManifest(descriptor, bytes, parsed.manifest, content)
    return { descriptor, bytes, manifests: [manifest], configDigest: manifest.config.digest }
  }
  const manifests: WrittenManifest[] = []
  for (const entry of parsed.index.manifests) {
    const entryBytes = await content.readAll(entry.digest)
    const inner = parseManifest(entryBytes, entry.mediaType)
    if (inner.kind === 'manifest')
      manifests.push(await readManifest(entry, entryBytes, inner.manifest, content))
  }
  return { descriptor, bytes, manifests }
}

async function readManifest(
  descriptor: Descriptor,
  bytes: Uint8Array,
  manifest: Manifest,
  content: ContentStore,
): Promise<WrittenManifest> {
  const diffIds = await diffIdsOf(manifest, content)
  const layers = manifest.layers.map((layer, i) => ({
    descriptor: layer,
    diffId: diffIds[i] ?? layer.digest,
  }))
  return {
    descriptor,
    bytes,
    config: manifest.config,
    layers,
    ...(descriptor.platform === undefined ? {} : { platform: descriptor.platform }),
  }
}

async function diffIdsOf(manifest: Manifest, content: ContentStore): Promise<readonly Digest[]> {
  if (manifest.artifactType !== undefined) return []
  const config = parseImageConfig(await content.readAll(manifest.config.digest))
  return config.rootfs.diff_ids
}

/** One platform of an image, ready to be run. */
export interface PlatformImage {
  readonly manifest: WrittenManifest
  readonly config: ImageConfig
}

/** The manifest of an image that fits a platform best. Throws `not-found` with the platforms there are. */
export async function platformImage(
  image: WrittenImage,
  platform: Platform,
  content: ContentStore,
): Promise<PlatformImage> {
  const usable = image.manifests.filter(one => one.platform?.os !== 'unknown')
  const withPlatforms = await Promise.all(
    usable.map(async one => ({ one, platform: one.platform ?? (await configOf(one, content)) })),
  )
  const candidates = withPlatforms.map(({ one, platform: its }) => ({ ...one.descriptor, platform: its }))
  const [best] = matchingManifests(candidates, onlyPlatform(platform))
  const chosen = usable.find(one => one.descriptor.digest === best?.digest)
  if (chosen === undefined) {
    const has = withPlatforms.map(({ platform: its }) => formatPlatform(its)).join(', ')
    throw new SlipwayError('not-found', `the image has no ${formatPlatform(platform)}`, {
      hint: `it has ${has}`,
    })
  }
  return { manifest: chosen, config: await configOf(chosen, content) }
}

async function configOf(manifest: WrittenManifest, content: ContentStore): Promise<ImageConfig> {
  return parseImageConfig(await content.readAll(manifest.config.digest))
}

/** An image with only one of its platforms; its statements stay behind. */
export async function onePlatform(
  image: WrittenImage,
  platform: Platform,
  content: ContentStore,
): Promise<WrittenImage> {
  const { manifest } = await platformImage(image, platform, content)
  return {
    descriptor: manifest.descriptor,
    bytes: manifest.bytes,
    manifests: [manifest],
    configDigest: manifest.config.digest,
  }
}
