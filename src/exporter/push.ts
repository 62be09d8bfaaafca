import { forEachBounded } from '../async/map-bounded.ts'
import type { ContentStore } from '../content/content-store.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { formatReference, type Reference, repositoryName } from '../oci/reference.ts'
import { registryErrorDetail } from '../registry/registry-error.ts'
import type { ExportContext } from './export-context.ts'
import type { ImageLayer } from './image-layers.ts'
import { PushTraffic } from './push-traffic.ts'
import type { WrittenImage, WrittenManifest } from './image-writer.ts'

/** Blobs of one image that are sent at the same time. */
const parallel = 4

const layersStep = 'pushing layers'

/** Where an image is pushed to. */
export interface PushTarget {
  readonly reference: Reference
  readonly store: ImageStore
  /** The repository in the same registry from which a blob can be taken over; undefined where there is none. */
  readonly mountSource: (repository: string) => ImageStore | undefined
  /** Push under the digest only. */
  readonly byDigest: boolean
  /** The name as it was given, which errors tell; absent: the reference in full. */
  readonly shown?: string
}

/**
 * Sends an image: blobs first (those that are there are left out, those of a sibling repository are mounted), then
 * configurations, manifests, and last the document under its tag, so that a tag never names what is not there.
 */
export async function pushImage(
  image: WrittenImage,
  target: PushTarget,
  content: ContentStore,
  ctx: ExportContext,
): Promise<void> {
  const name = formatReference(target.reference)
  try {
    await ctx.progress.step(layersStep, () => pushBlobs(image, target, content, ctx))
    const shown =
      target.byDigest || target.reference.digest !== undefined ? name : `${name}@${image.descriptor.digest}`
    await ctx.progress.step(`pushing manifest for ${shown}`, () => pushManifests(image, target, ctx.signal))
  } catch (e) {
    throw refused(target.shown ?? name, e)
  }
}

/** What the registry says itself, where it says something; the class of its status does not reach the client. */
function refused(name: string, e: unknown): SlipwayError {
  const detail = registryErrorDetail(e)
  if (detail === undefined) return wrapError(`failed to push ${name}`, e)
  const { hint } = asSlipwayError(e)
  return new SlipwayError('unknown', `failed to push ${name}: ${detail.refusal}`, {
    cause: e,
    ...(hint === undefined ? {} : { hint }),
  })
}

async function pushBlobs(
  image: WrittenImage,
  target: PushTarget,
  content: ContentStore,
  ctx: ExportContext,
): Promise<void> {
  const layers = new Map<string, ImageLayer>()
  for (const manifest of image.manifests) {
    for (const layer of manifest.layers) layers.set(layer.descriptor.digest, layer)
    const { config } = manifest
    layers.set(config.digest, { descriptor: config, diffId: config.digest })
  }
  const traffic = new PushTraffic(ctx.progress, layersStep)
  await forEachBounded([...layers.values()], layer => pushBlob(layer, target, content, traffic, ctx), {
    limit: parallel,
    signal: ctx.signal,
  })
  traffic.end()
}

async function pushBlob(
  layer: ImageLayer,
  target: PushTarget,
  content: ContentStore,
  traffic: PushTraffic,
  ctx: ExportContext,
): Promise<void> {
  const { descriptor, repository } = layer
  const { store } = target
  const { signal } = ctx
  if (descriptor.urls !== undefined && descriptor.urls.length > 0) return
  if (await store.hasBlob(descriptor, { signal })) return
  if (repository !== undefined && repository !== repositoryName(target.reference)) {
    const from = target.mountSource(repository)
    if (from !== undefined && (await store.mountBlob(descriptor, from, { signal }))) return
  }
  if ((await content.size(descriptor.digest)) === undefined) {
    if (layer.fetch === undefined)
      throw new SlipwayError('not-found', `content ${descriptor.digest}: not found`)
    await layer.fetch(signal)
  }
  const { digest, size } = descriptor
  traffic.add(size)
  const open = (offset: number): AsyncIterable<Uint8Array> =>
    traffic.counted(digest, offset, content.read(digest, { offset, signal }))
  await store.putBlob(descriptor, open, { signal })
}

async function pushManifests(image: WrittenImage, target: PushTarget, signal: AbortSignal): Promise<void> {
  const { store, reference } = target
  const tags = target.byDigest || reference.tag === undefined ? [] : [reference.tag]
  const below = image.manifests.filter(manifest => manifest.descriptor.digest !== image.descriptor.digest)
  await forEachBounded(
    below,
    (manifest: WrittenManifest) => store.putManifest(manifest.descriptor, manifest.bytes, { signal }),
    { limit: parallel, signal },
  )
  await store.putManifest(image.descriptor, image.bytes, { signal, tags })
}
