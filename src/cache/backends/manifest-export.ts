import { forEachBounded } from '../../async/map-bounded.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type Attributes, readStrictBool } from '../../exporter/attributes.ts'
import { convertLayerType } from '../../exporter/compression-options.ts'
import type { ExporterResponse } from '../../exporter/export-context.ts'
import { goJson } from '../../gostd/json.ts'
import { formatRfc3339Nano } from '../../gostd/time.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { describeBytes, marshalIndex, marshalManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { cacheConfigType, marshalCacheConfig } from '../chains/cache-config.ts'
import { type CachedLayer, layerAnnotation } from '../chains/cached-layer.ts'
import type { MarshaledCache } from '../chains/marshal-graph.ts'
import type { CacheContext, ReadLayer } from './cache-backend.ts'

/** Blobs of a cache that are sent at the same time. */
const parallel = 4

/** How the document is written. */
export interface ManifestForm {
  readonly oci: boolean
  /** An image manifest whose config describes the cache, instead of an index. */
  readonly imageManifest: boolean
}

/** Where an image of a cache is put. */
export interface ManifestTarget {
  putBlob(descriptor: Descriptor, open: (offset: number) => AsyncIterable<Uint8Array>): Promise<void>
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>
}

/** Reads `oci-mediatypes` and `image-manifest`. Throws `invalid-argument`. */
export function readManifestForm(attrs: Attributes): ManifestForm {
  const oci = readStrictBool(attrs, 'oci-mediatypes', true, 'failed to parse oci-mediatypes')
  const imageManifest = readStrictBool(attrs, 'image-manifest', oci, 'failed to parse image-manifest')
  if (imageManifest && !oci) {
    throw new SlipwayError(
      'invalid-argument',
      'invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format',
    )
  }
  return { oci, imageManifest }
}

/** Writes a cache as an image. Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/export.go */
export async function exportManifest(
  cache: MarshaledCache,
  form: ManifestForm,
  target: ManifestTarget,
  read: ReadLayer,
  ctx: CacheContext,
): Promise<ExporterResponse> {
  const { progress, signal } = ctx
  const blobs = new Map(cache.layers.map(layer => [layer.descriptor.digest, layer]))
  await forEachBounded(
    [...blobs.values()],
    layer =>
      progress.step(`writing layer ${layer.descriptor.digest}`, () =>
        named(
          'layer',
          target.putBlob(layer.descriptor, offset => read(layer, offset, signal)),
        ),
      ),
    { limit: parallel, signal },
  )
  const configBytes = marshalCacheConfig(cache.config)
  const config = describeBytes(configBytes, cacheConfigType)
  await progress.step(`writing config ${config.digest}`, () =>
    named(
      'config',
      target.putBlob(config, async function* (offset) {
        yield configBytes.subarray(offset)
      }),
    ),
  )
  const layers = cache.layers.map(layer => layerEntry(layer, form.oci))
  const type = form.imageManifest
    ? mediaType.ociManifest
    : form.oci
      ? mediaType.ociIndex
      : mediaType.dockerManifestList
  const bytes = form.imageManifest
    ? marshalManifest({ schemaVersion: 2, mediaType: type, config, layers })
    : marshalIndex({ schemaVersion: 2, mediaType: type, manifests: [...layers, config] })
  const descriptor = describeBytes(bytes, type)
  const kind = form.imageManifest ? 'image manifest' : 'manifest'
  await progress.step(`writing cache ${kind} ${descriptor.digest}`, () =>
    named('manifest', target.putManifest(descriptor, bytes)),
  )
  const { mediaType: documentType, digest, size } = descriptor
  return { 'cache.manifest': goJson({ mediaType: documentType, digest, size }) }
}

function layerEntry(layer: CachedLayer, oci: boolean): Descriptor {
  const { mediaType: type, digest, size } = layer.descriptor
  return {
    mediaType: convertLayerType(type, oci),
    digest,
    size,
    annotations: {
      ...layer.descriptor.annotations,
      ...(layer.createdMs === undefined
        ? {}
        : { [layerAnnotation.created]: formatRfc3339Nano(layer.createdMs) }),
      [layerAnnotation.diffId]: layer.diffId,
    },
  }
}

/** Failures say what was written. */
async function named<T>(kind: string, writing: Promise<T>): Promise<T> {
  return await writing.catch((e: unknown) => {
    throw wrapError(`error writing ${kind} blob`, e)
  })
}
