import { collect } from '../bytes/collect.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { RequestedAnnotation } from '../oci/annotation-flag.ts'
import { annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex, digestOf } from '../oci/digest.ts'
import {
  describeBytes,
  marshalManifest,
  maxManifestSize,
  type Manifest,
  parseImageManifest,
  parseIndex,
} from '../oci/manifest.ts'
import { isManifestType, mediaType } from '../oci/media-type.ts'
import { appliesTo, pairs } from './combine.ts'
import { type Part, rewritten, type Selection } from './filter-platforms.ts'
import type { ImageTools } from './image-tools.ts'

/** A selection with the contents that exist nowhere yet, by digest. */
export interface Annotated {
  readonly selection: Selection
  readonly documents: ReadonlyMap<Digest, Uint8Array>
}

/** Largest attestation that is rewritten, in bytes. */
const maxStatement = 64 * 1024 * 1024

/**
 * Gives the manifests of an index annotations of their own. They get new digests by that; attestations follow: their
 * entries, their subject and the statements in them name the new digest. Signatures would not be valid any more and are
 * not taken along. Docker's own manifests cannot carry annotations: `failed-precondition`.
 */
export async function annotateManifests(
  selection: Selection,
  annotations: readonly RequestedAnnotation[],
  tools: ImageTools,
): Promise<Annotated> {
  const documents = new Map<Digest, Uint8Array>()
  const wanted = annotations.filter(a => a.type === undefined || a.type === 'manifest')
  if (wanted.length === 0) return { selection, documents }
  const renamed = new Map<Digest, Descriptor>()
  const parts: Part[] = []
  for (const part of selection.parts) {
    const mine = isImage(part.descriptor) ? wanted.filter(a => appliesTo(a, part.descriptor)) : []
    if (mine.length === 0) parts.push(part)
    else {
      const descriptor = await annotate(part, pairs(mine), documents, tools)
      renamed.set(part.descriptor.digest, descriptor)
      parts.push({ ...part, descriptor })
    }
  }
  const followed: Part[] = []
  for (const part of parts) followed.push(await follow(part, renamed, documents, tools))
  const index = parseIndex(selection.bytes, selection.descriptor.mediaType)
  return { selection: rewritten(selection.descriptor, index, followed), documents }
}

function isImage(descriptor: Descriptor): boolean {
  return isManifestType(descriptor.mediaType) && aboutOf(descriptor) === undefined
}

function aboutOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[annotation.referenceDigest]
}

async function annotate(
  part: Part,
  added: Readonly<Record<string, string>>,
  documents: Map<Digest, Uint8Array>,
  tools: ImageTools,
): Promise<Descriptor> {
  const { descriptor } = part
  if (descriptor.mediaType !== mediaType.ociManifest) {
    throw new SlipwayError(
      'failed-precondition',
      `manifest ${descriptor.digest} of type ${descriptor.mediaType} cannot carry annotations`,
      {
        hint: 'annotate the index instead (--annotation index:KEY=VALUE), or build the image with oci-mediatypes=true',
      },
    )
  }
  const manifest = parseImageManifest(
    await read(part, descriptor, maxManifestSize, tools),
    descriptor.mediaType,
  )
  return store({ ...manifest, annotations: { ...manifest.annotations, ...added } }, descriptor, documents)
}

/** An attestation about a manifest that has a new digest, made to be about that one. */
async function follow(
  part: Part,
  renamed: ReadonlyMap<Digest, Descriptor>,
  documents: Map<Digest, Uint8Array>,
  tools: ImageTools,
): Promise<Part> {
  const old = aboutOf(part.descriptor) as Digest | undefined
  const subject = old === undefined ? undefined : renamed.get(old)
  if (old === undefined || subject === undefined) return part
  const manifest = parseImageManifest(
    await read(part, part.descriptor, maxManifestSize, tools),
    part.descriptor.mediaType,
  )
  const layers: Descriptor[] = []
  for (const layer of manifest.layers) {
    if (layer.mediaType !== mediaType.inToto) layers.push(layer)
    else {
      // The old digest is replaced in the text itself: nothing else of the statement may change.
      const text = Buffer.from(await read(part, layer, maxStatement, tools)).toString('latin1')
      const bytes = Buffer.from(text.replaceAll(digestHex(old), digestHex(subject.digest)), 'latin1')
      documents.set(digestOf(bytes), bytes)
      layers.push({ ...layer, digest: digestOf(bytes), size: bytes.length })
    }
  }
  const about =
    manifest.subject?.digest === old ? { subject: { ...manifest.subject, ...sizeOf(subject) } } : {}
  const descriptor = store({ ...manifest, layers, ...about }, part.descriptor, documents)
  const annotations = { ...descriptor.annotations, [annotation.referenceDigest]: subject.digest }
  return { ...part, descriptor: { ...descriptor, annotations } }
}

const sizeOf = ({ digest, size }: Descriptor): Pick<Descriptor, 'digest' | 'size'> => ({ digest, size })

function store(manifest: Manifest, like: Descriptor, documents: Map<Digest, Uint8Array>): Descriptor {
  const bytes = marshalManifest(manifest)
  const fresh = describeBytes(bytes, like.mediaType)
  documents.set(fresh.digest, bytes)
  return { ...like, ...sizeOf(fresh) }
}

async function read(
  part: Part,
  descriptor: Descriptor,
  limit: number,
  tools: ImageTools,
): Promise<Uint8Array> {
  const stream = tools.open(part.source.location).fetch(descriptor, { signal: tools.signal })
  return await collect(stream, { limit, what: `content ${descriptor.digest}` })
}
