import type { ContentStore } from '../content/content-store.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { marshalIndex, marshalManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { type Annotations, resultAnnotations } from './annotations.ts'
import { type AttestationOptions, writeAttestationManifest } from './attestation-manifest.ts'
import type { ExportContext } from './export-context.ts'
import { chooseEpoch, type EpochOption } from './attributes.ts'
import type { Attestation, ExportSource, InlineCacheOf, PlatformResult } from './export-source.ts'
import { defaultImageConfig, diffIdsOf, patchImageConfig } from './image-config-patch.ts'
import { type ImageLayer, imageLayers, type LayerOptions, type LayerServices } from './image-layers.ts'
import { withLayers } from './sbom-layers.ts'

/** Options of everything that makes an image. */
export interface ImageOptions extends Omit<LayerOptions, 'rewriteEpoch' | 'baseDiffIds'> {
  readonly annotations: Annotations
  /** Else what the frontend says for each platform. */
  readonly epoch?: EpochOption
  /** Set file times back to the epoch, in layers that are not of the base image. */
  readonly rewriteTimestamp: boolean
  readonly ociArtifact: boolean
  /** Attach statements also where they are marked for indexes only and the image has none. */
  readonly attestInline: boolean
  /** Names that statements are about. */
  readonly names: readonly string[]
}

/** One manifest of a written image and what belongs to it. */
export interface WrittenManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly config: Descriptor
  readonly layers: readonly ImageLayer[]
  /** Absent for manifests of attestations. */
  readonly platform?: Platform
}

/** An image whose small documents are in the content store; its layers may still have to be fetched. */
export interface WrittenImage {
  /** The index, or the only manifest. `annotations` as they belong into the document that refers to it. */
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly manifests: readonly WrittenManifest[]
  /** Digest of the configuration, where there is one manifest only. */
  readonly configDigest?: Digest
}

/**
 * Makes layers, configurations, manifests and, where the result has several platforms or statements, an index. Equal
 * inputs give equal bytes. Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/writer.go
 */
export async function writeImage(
  source: ExportSource,
  given: ImageOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<WrittenImage> {
  const options = { ...given, annotations: resultAnnotations(source.metadata).with(given.annotations) }
  checkAnnotations(source, options)
  const wantsIndex =
    source.multiPlatform ||
    source.results.some(result => result.attested || attached(result.attestations, options).length > 0)
  if (!wantsIndex && source.results.length > 1) {
    throw new SlipwayError(
      'invalid-argument',
      'cannot export multiple platforms without multi-platform enabled',
    )
  }
  const layers = await exportLayers(source, options, services, ctx)
  if (!wantsIndex) refuseIndexAnnotations(options)
  const images: WrittenManifest[] = []
  const attestations: WrittenManifest[] = []
  for (const [i, result] of source.results.entries()) {
    const image = await writeManifest(
      result,
      layers[i] ?? [],
      { ...options, inlineCache: source.inlineCache },
      services.content,
      ctx,
    )
    if (!wantsIndex) return singleImage(image)
    images.push(image)
    if ((result.attested || result.attestations.length > 0) && options.oci)
      attestations.push(await writeAttestations(result, image, options, services, ctx))
  }
  return writeIndex(images, attestations, options, services.content, ctx)
}

async function exportLayers(
  source: ExportSource,
  options: ImageOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<readonly (readonly ImageLayer[])[]> {
  const { results } = source
  const epochs = results.map(result => (options.rewriteTimestamp ? epochOf(result, options) : undefined))
  const layers = new Map<PlatformResult, readonly ImageLayer[]>()
  await ctx.progress.step('exporting layers', async () => {
    for (const [i, result] of results.entries())
      if (epochs[i] === undefined) layers.set(result, await imageLayers(result.ref, options, services, ctx))
  })
  for (const [i, result] of results.entries()) {
    const rewriteEpoch = epochs[i]
    if (rewriteEpoch === undefined) continue
    const time = new Date(rewriteEpoch * 1000).toISOString()
    const step = `rewriting layers with source-date-epoch ${rewriteEpoch} (${time.slice(0, 10)} ${time.slice(11, 19)} +0000 UTC)`
    const baseDiffIds = result.baseConfig === undefined ? [] : diffIdsOf(result.baseConfig)
    const wanted = { ...options, rewriteEpoch, baseDiffIds }
    await ctx.progress.step(step, async () => {
      layers.set(result, await imageLayers(result.ref, wanted, services, ctx))
    })
  }
  return results.map(result => layers.get(result) ?? [])
}

const epochOf = (result: PlatformResult, options: ImageOptions): number | undefined =>
  chooseEpoch(options.epoch, result.epoch)

function refuseIndexAnnotations({ annotations }: ImageOptions): void {
  if (
    Object.keys(annotations.at('index')).length > 0 ||
    Object.keys(annotations.at('index-descriptor')).length > 0
  ) {
    throw new SlipwayError('invalid-argument', 'index annotations not supported for single platform export', {
      hint: 'add --build-arg BUILDKIT_MULTI_PLATFORM=1 to get an index, or put the annotation on the manifest',
    })
  }
}

function singleImage(only: WrittenManifest): WrittenImage {
  const descriptor = {
    ...only.descriptor,
    ...(only.platform === undefined ? {} : { platform: only.platform }),
  }
  return { descriptor, bytes: only.bytes, manifests: [only], configDigest: only.config.digest }
}

function checkAnnotations(source: ExportSource, options: ImageOptions): void {
  const { annotations, oci } = options
  for (const platform of source.multiPlatform ? annotations.platforms : []) {
    if (!source.results.some(result => result.id === platform)) {
      throw new SlipwayError(
        'invalid-argument',
        `invalid annotation: no platform ${platform} found in source`,
      )
    }
  }
  if (oci) return
  const other = (['index', 'index-descriptor', 'manifest-descriptor'] as const).some(
    level => Object.keys(annotations.at(level)).length > 0,
  )
  if (other)
    throw new SlipwayError('invalid-argument', 'cannot export annotations with "oci-mediatypes=false"')
  if (source.results.some(one => one.attested || one.attestations.some(each => !each.inlineOnly))) {
    throw new SlipwayError('invalid-argument', 'cannot export attestations with "oci-mediatypes=false"')
  }
}

const attached = (attestations: readonly Attestation[], options: ImageOptions): readonly Attestation[] =>
  options.attestInline ? attestations : attestations.filter(one => !one.inlineOnly)

const orNone = (
  annotations: Readonly<Record<string, string>>,
): { annotations?: Readonly<Record<string, string>> } =>
  Object.keys(annotations).length === 0 ? {} : { annotations }

async function writeManifest(
  result: PlatformResult,
  layers: readonly ImageLayer[],
  options: ImageOptions & { readonly inlineCache: InlineCacheOf | undefined },
  content: ContentStore,
  ctx: ExportContext,
): Promise<WrittenManifest> {
  const inlineCache = await options.inlineCache?.(result, layers, options.compression, ctx)
  const epoch = epochOf(result, options)
  const configBytes = patchImageConfig(result.config ?? defaultImageConfig(result.platform), {
    layers,
    ...(epoch === undefined ? {} : { epoch }),
    ...(inlineCache === undefined ? {} : { inlineCache }),
    ...(result.baseConfig === undefined ? {} : { baseConfig: result.baseConfig }),
  })
  const config = await putDocument(
    configBytes,
    options.oci ? mediaType.ociConfig : mediaType.dockerConfig,
    content,
  )
  const type = options.oci ? mediaType.ociManifest : mediaType.dockerManifest
  const bytes = marshalManifest({
    schemaVersion: 2,
    mediaType: type,
    config,
    layers: layers.map(layer => layer.descriptor),
    ...orNone(options.annotations.at('manifest', result.id)),
  })
  const descriptor = await putDocument(bytes, type, content)
  await ctx.progress.step(`exporting manifest ${descriptor.digest}`, async () => undefined)
  await ctx.progress.step(`exporting config ${config.digest}`, async () => undefined)
  return {
    descriptor: { ...descriptor, ...orNone(options.annotations.at('manifest-descriptor', result.id)) },
    bytes,
    config,
    layers,
    platform: result.platform,
  }
}

async function writeAttestations(
  result: PlatformResult,
  image: WrittenManifest,
  options: ImageOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<WrittenManifest> {
  const settings: AttestationOptions = {
    artifact: options.ociArtifact,
    names: options.names,
    platform: result.platform,
  }
  const directories = async (): Promise<readonly string[]> =>
    result.ref === undefined ? [] : services.directories(result.ref, ctx.signal)
  const statements = result.attestations.map(one => withLayers(one, image.layers, directories))
  const supplemented = await Promise.all(statements)
  return writeAttestationManifest(image.descriptor, supplemented, settings, services.content, ctx)
}

async function writeIndex(
  images: readonly WrittenManifest[],
  attestations: readonly WrittenManifest[],
  options: ImageOptions,
  content: ContentStore,
  ctx: ExportContext,
): Promise<WrittenImage> {
  const type = options.oci ? mediaType.ociIndex : mediaType.dockerManifestList
  const bytes = marshalIndex({
    schemaVersion: 2,
    mediaType: type,
    manifests: [
      ...images.map(image => ({
        ...image.descriptor,
        ...(image.platform === undefined ? {} : { platform: image.platform }),
      })),
      ...attestations.map(one => ({
        ...one.descriptor,
        platform: { architecture: 'unknown', os: 'unknown' },
      })),
    ],
    ...orNone(options.annotations.at('index')),
  })
  const descriptor = await putDocument(bytes, type, content)
  await ctx.progress.step(`exporting manifest list ${descriptor.digest}`, async () => undefined)
  return {
    descriptor: { ...descriptor, ...orNone(options.annotations.at('index-descriptor')) },
    bytes,
    manifests: [...images, ...attestations],
  }
}

/** Keeps a small document; answers its descriptor. */
export async function putDocument(
  bytes: Uint8Array,
  type: string,
  content: ContentStore,
): Promise<Descriptor> {
  const { digest, size } = await content.put(bytes)
  return { mediaType: type, digest, size }
}
