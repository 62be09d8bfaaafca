import { SlipwayError } from '../errors/slipway-error.ts'
import type { ContentStore } from '../content/content-store.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { LazyLayer, Ref, RefLayer } from '../snapshot/ref.ts'
import type { LayerBlob, LayerId, Snapshotter } from '../snapshot/snapshotter.ts'
import {
  type CompressionOptions,
  compressionOfType,
  convertLayerType,
  distributableType,
} from './compression-options.ts'
import type { ExportContext } from './export-context.ts'

/** One layer of an image that is exported. */
export interface ImageLayer {
  /** Media type, digest and size as the manifest has them. */
  readonly descriptor: Descriptor
  readonly diffId: Digest
  readonly createdMs?: number
  readonly description?: string
  /** Repository that has the blob already. */
  readonly repository?: string
  /** Brings the blob into the content store where it is not there yet. */
  readonly fetch?: (signal: AbortSignal) => Promise<void>
}

/** How layers are wanted. */
export interface LayerOptions {
  readonly compression: CompressionOptions
  readonly oci: boolean
  /** Leave layers that are not to be distributed where their URLs say. */
  readonly preferNondistributable: boolean
  /** Seconds since 1970: later file times are set back to it, in layers that are not those of the base image. */
  readonly rewriteEpoch?: number
  /** DiffIDs of the base image's layers. */
  readonly baseDiffIds?: readonly string[]
}

/** Makes blobs of layers; each is kept, so that a layer is packed once. */
export interface LayerPacker {
  /** Packs a layer on disk. `epochSeconds` sets later file times back. */
  pack(
    id: LayerId,
    options: CompressionOptions & { readonly epochSeconds?: number },
    signal: AbortSignal,
  ): Promise<LayerBlob>
  /** The blob that a layer has, however it was packed. */
  packed(id: LayerId): LayerBlob | undefined
  /** Packs anew what a blob in the content store holds. */
  repack(
    blob: LayerBlob,
    options: CompressionOptions & { readonly epochSeconds?: number },
    signal: AbortSignal,
  ): Promise<LayerBlob>
}

/** What `imageLayers` works with. */
export interface LayerServices {
  readonly content: ContentStore
  readonly snapshotter: Snapshotter
  readonly packer: LayerPacker
  /** A directory read in place as a stack of layers. */
  readonly materialize: (ref: Ref, signal: AbortSignal) => Promise<readonly RefLayer[]>
  /** Directories of a ref's layers on disk, lowest first; layers that were not fetched are. */
  readonly directories: (ref: Ref, signal: AbortSignal) => Promise<readonly string[]>
}

/** The layers of a ref as blobs, lowest first. Layers of base images keep their blobs unless the options say otherwise. */
export async function imageLayers(
  ref: Ref | undefined,
  options: LayerOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<readonly ImageLayer[]> {
  if (ref === undefined) return []
  const layers = ref.kind === 'stack' ? ref.layers : await services.materialize(ref, ctx.signal)
  const { rewriteEpoch, baseDiffIds = [], ...kept } = options
  const result: ImageLayer[] = []
  let diverged = false
  for (const [i, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    diverged ||= rewriteEpoch !== undefined && !(await isPulled(layer, baseDiffIds[i], services))
    const wanted = diverged ? options : kept
    const made = await blobOf(layer, wanted, services, ctx)
    result.push({ ...made, descriptor: described(made.descriptor, options) })
  }
  return result
}

async function blobOf(
  layer: RefLayer,
  options: LayerOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<ImageLayer> {
  if (layer.kind === 'lazy') return lazyBlob(layer.lazy, options, services, ctx)
  if (layer.origin !== undefined) return lazyBlob(layer.origin, options, services, ctx)
  return diskBlob(layer.id, options, services, ctx)
}

/** Whether a layer came from an image in which it has this diffID. */
async function isPulled(
  layer: RefLayer,
  diffId: string | undefined,
  services: LayerServices,
): Promise<boolean> {
  if (layer.kind === 'lazy') return layer.lazy.diffId === diffId
  const { chainId } = await services.snapshotter.get(layer.id)
  if (chainId === undefined) return false
  return (await services.snapshotter.blobs(layer.id)).some(blob => blob.diffId === diffId)
}

async function lazyBlob(
  lazy: LazyLayer,
  options: LayerOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<ImageLayer> {
  const { compression, rewriteEpoch } = options
  const found = compressionOfType(lazy.descriptor.mediaType)
  const rewrite = rewriteEpoch !== undefined
  if (rewrite || (compression.force && found !== undefined && found !== compression.type)) {
    await lazy.fetch(ctx.signal)
    const blob = await services.packer.repack(
      { descriptor: lazy.descriptor, diffId: lazy.diffId },
      rewrite ? { ...compression, epochSeconds: rewriteEpoch } : compression,
      ctx.signal,
    )
    return { descriptor: blob.descriptor, diffId: blob.diffId }
  }
  const { annotations: _annotations, ...descriptor } = lazy.descriptor
  return {
    descriptor,
    diffId: lazy.diffId,
    fetch: lazy.fetch,
    ...(lazy.createdMs === undefined ? {} : { createdMs: lazy.createdMs }),
    ...(lazy.description === undefined ? {} : { description: lazy.description }),
    ...(lazy.repository === undefined ? {} : { repository: lazy.repository }),
  }
}

async function diskBlob(
  id: LayerId,
  options: LayerOptions,
  services: LayerServices,
  ctx: ExportContext,
): Promise<ImageLayer> {
  const layer = await services.snapshotter.get(id)
  const facts = { createdMs: layer.createdMs, description: layer.description }
  const { compression, rewriteEpoch } = options
  const known = await services.snapshotter.blobs(id)
  const pulled = layer.chainId !== undefined && known.length > 0
  if (rewriteEpoch !== undefined) {
    const blob = await services.packer.pack(id, { ...compression, epochSeconds: rewriteEpoch }, ctx.signal)
    return { descriptor: blob.descriptor, diffId: blob.diffId, ...facts }
  }
  const fitting = known.find(
    blob =>
      compressionOfType(blob.descriptor.mediaType) === compression.type && compression.level === undefined,
  )
  const [any] = known
  const chosen = fitting ?? (pulled && !compression.force ? any : undefined)
  const isThere = async ({ descriptor }: LayerBlob): Promise<boolean> =>
    (await services.content.size(descriptor.digest)) === descriptor.size
  const blob =
    chosen !== undefined && (await isThere(chosen))
      ? chosen
      : pulled && any !== undefined && (await isThere(any))
        ? await services.packer.repack(any, compression, ctx.signal) // packed anew from files it would be another layer
        : await services.packer.pack(id, compression, ctx.signal)
  return { descriptor: blob.descriptor, diffId: blob.diffId, ...facts }
}

/**
 * As manifests have it: annotations that only the engine needs are left out, and Docker's form has none. Layers that are
 * not to be distributed become plain ones unless they are wanted as they are.
 */
function described(descriptor: Descriptor, { oci, preferNondistributable }: LayerOptions): Descriptor {
  if (compressionOfType(descriptor.mediaType) === undefined) {
    throw new SlipwayError(
      'unimplemented',
      `layer of unknown media type ${descriptor.mediaType} cannot be exported`,
    )
  }
  const type = convertLayerType(descriptor.mediaType, oci)
  const annotations = Object.entries(descriptor.annotations ?? {}).filter(([key]) => oci && !isInternal(key))
  return {
    mediaType: preferNondistributable ? type : distributableType(type),
    digest: descriptor.digest,
    size: descriptor.size,
    ...(preferNondistributable && descriptor.urls !== undefined ? { urls: descriptor.urls } : {}),
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  }
}

/** Whether an annotation of a blob is for those who keep it, and not for images. */
export const isInternal = (key: string): boolean =>
  key === 'containerd.io/uncompressed' ||
  key === 'buildkit/createdat' ||
  key.startsWith('containerd.io/distribution.source.') ||
  key.startsWith('slipway.')
