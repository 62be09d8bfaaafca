import { collectBounded } from '../async/map-bounded.ts'
import { collect } from '../bytes/collect.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import type { RequestedAnnotation } from '../oci/annotation-flag.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { maxConfigSize, parseImageConfig } from '../oci/image-config.ts'
import { describeBytes, marshalIndex, parseImageManifest, parseIndex } from '../oci/manifest.ts'
import { isIndexType, isManifestType, mediaType } from '../oci/media-type.ts'
import { formatPlatform, normalizePlatform, type Platform } from '../oci/platform.ts'
import type { ImageTools } from './image-tools.ts'
import type { Source } from './source.ts'

/** How sources become one image. */
export interface CombineOptions {
  readonly annotations: readonly RequestedAnnotation[]
  /** Make an index even of a single manifest. */
  readonly preferIndex: boolean
}

/** The image that sources make together. */
export interface Combined {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** Which source each manifest of an index is from; where one is missing, the whole index is from `whole`. */
  readonly origins: ReadonlyMap<Digest, Source>
  readonly whole?: Source
  /** What was asked for and could not be done. */
  readonly warnings: readonly string[]
}

/**
 * Makes one index of the manifests of all sources. A single index without annotations, and a single manifest where no
 * index is preferred, stay as they are, byte for byte. Docker's types are kept where all manifests are Docker's.
 * Source: github.com/docker/buildx util/imagetools/create.go at v0.36.1, `combine`.
 */
export async function combineSources(
  sources: readonly Source[],
  options: CombineOptions,
  tools: ImageTools,
): Promise<Combined> {
  const complete = async (source: Source, _: number, signal: AbortSignal): Promise<Source> =>
    isManifestType(source.descriptor.mediaType) ? await withPlatform(source, tools, signal) : source
  const all = await collectBounded(sources, complete, { limit: 8, signal: tools.signal })
  const [first] = all
  if (first !== undefined && all.length === 1 && options.annotations.length === 0) {
    const { descriptor, bytes } = first
    if (isIndexType(descriptor.mediaType) || !options.preferIndex) {
      return { descriptor, bytes, origins: new Map(), whole: first, warnings: [] }
    }
  }
  const { manifests, origins } = gather(all)
  const docker = manifests.every(d => d.mediaType.startsWith('application/vnd.docker.'))
  const type = docker ? mediaType.dockerManifestList : mediaType.ociIndex
  const { index, descriptors, warnings } = annotate(manifests, options.annotations, docker)
  const bytes = marshalIndex({
    schemaVersion: 2,
    mediaType: type,
    manifests: descriptors,
    ...(Object.keys(index).length === 0 ? {} : { annotations: index }),
  })
  return { descriptor: describeBytes(bytes, type), bytes, origins, warnings }
}

/** Fills in what a manifest's descriptor does not say of its platform from the image configuration. */
async function withPlatform(source: Source, tools: ImageTools, signal: AbortSignal): Promise<Source> {
  const { descriptor, bytes, location } = source
  const given: Platform = descriptor.platform ?? { architecture: '', os: '' }
  if (given.os !== '' && given.architecture !== '') return source
  const { config } = parseImageManifest(bytes, descriptor.mediaType)
  const stream = tools.open(location).fetch(config, { signal })
  const image = parseImageConfig(
    await collect(stream, { limit: maxConfigSize, what: `config ${config.digest}` }),
  )
  const own = normalizePlatform(image)
  const variant = given.variant ?? (given.architecture === '' ? own.variant : undefined)
  const platform: Platform = {
    ...given,
    architecture: given.architecture || own.architecture,
    os: given.os || own.os,
    ...(variant === undefined ? {} : { variant }),
  }
  return { ...source, descriptor: { ...descriptor, platform } }
}

/** Manifests of all sources in order, each once: what is said of it later is added. */
function gather(sources: readonly Source[]): {
  readonly manifests: readonly Descriptor[]
  readonly origins: ReadonlyMap<Digest, Source>
} {
  const found = new Map<Digest, Descriptor>()
  const origins = new Map<Digest, Source>()
  for (const source of sources) {
    const { descriptor, bytes } = source
    const listed = isIndexType(descriptor.mediaType)
      ? parseIndex(bytes, descriptor.mediaType).manifests
      : [descriptor]
    for (const entry of listed) {
      const known = found.get(entry.digest)
      found.set(entry.digest, known === undefined ? entry : merge(known, entry))
      origins.set(entry.digest, source)
    }
  }
  return { manifests: [...found.values()], origins }
}

function merge(known: Descriptor, other: Descriptor): Descriptor {
  const platform = other.platform ?? known.platform
  return {
    ...known,
    annotations: { ...known.annotations, ...other.annotations },
    ...(platform === undefined ? {} : { platform }),
  }
}

/** Annotations of the index and of its entries; those of manifests are for `annotateManifests`. */
function annotate(
  manifests: readonly Descriptor[],
  annotations: readonly RequestedAnnotation[],
  docker: boolean,
): {
  readonly index: Readonly<Record<string, string>>
  readonly descriptors: readonly Descriptor[]
  readonly warnings: readonly string[]
} {
  if (docker) {
    const warnings =
      annotations.length === 0 ? [] : ['annotations are left out: Docker manifest lists cannot carry any']
    return { index: {}, descriptors: manifests, warnings }
  }
  if (annotations.some(a => a.type === 'index-descriptor')) {
    throw new SlipwayError(
      'invalid-argument',
      `${quote('index-descriptor')} annotations are invalid while creating an image`,
    )
  }
  const ofIndex = annotations.filter(a => a.type === 'index')
  const ofEntries = annotations.filter(a => a.type === 'manifest-descriptor')
  const descriptors = manifests.map(descriptor => {
    const mine = ofEntries.filter(a => appliesTo(a, descriptor))
    return mine.length === 0
      ? descriptor
      : { ...descriptor, annotations: { ...descriptor.annotations, ...pairs(mine) } }
  })
  return { index: pairs(ofIndex), descriptors, warnings: [] }
}

/** Whether an annotation is meant for this manifest: it names no platform, or that one. */
export function appliesTo(annotation: RequestedAnnotation, descriptor: Descriptor): boolean {
  if (annotation.platform === undefined) return true
  if (descriptor.platform === undefined) return false
  const text = (platform: Platform): string => formatPlatform(normalizePlatform(platform))
  return text(annotation.platform) === text(descriptor.platform)
}

/** Annotations as an object. */
export function pairs(annotations: readonly RequestedAnnotation[]): Readonly<Record<string, string>> {
  return Object.fromEntries(annotations.map(a => [a.key, a.value]))
}
