import { annotation } from '../../oci/annotations.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Index, type ParsedManifest, parseManifest } from '../../oci/manifest.ts'
import { isIndexType, isManifestType } from '../../oci/media-type.ts'

/** Reads a manifest of the layout; undefined where it is not there. */
export type ReadManifest = (descriptor: Descriptor) => Promise<Uint8Array | undefined>

/** Manifests looked at in one search at most. */
const maxVisited = 10_000

/**
 * Manifests of a layout that refer to `subject`: those that its index lists as such, and those that its images reach
 * and that name it as subject or in the annotation of attestations.
 * Source: github.com/docker/buildx util/imagetools/ocilayout_referrers.go at v0.36.1.
 */
export async function findReferrers(
  index: Index,
  subject: Digest,
  read: ReadManifest,
): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>()
  const visited = new Set<Digest>()
  const queue = index.manifests.filter(d => d.annotations?.[annotation.manifestSubject] === undefined)
  for (let next = queue.shift(); next !== undefined && visited.size < maxVisited; next = queue.shift()) {
    const descriptor = next
    if (visited.has(descriptor.digest)) continue
    visited.add(descriptor.digest)
    if (descriptor.annotations?.[annotation.referenceDigest] === subject)
      found.set(descriptor.digest, descriptor)
    if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) continue
    const bytes = await read(descriptor)
    if (bytes === undefined) continue
    const parsed = parseManifest(bytes, descriptor.mediaType)
    if (subjectOf(parsed) === subject) found.set(descriptor.digest, describeReferrer(descriptor, parsed))
    if (parsed.kind === 'index') queue.push(...parsed.index.manifests)
  }
  for (const descriptor of index.manifests) {
    if (descriptor.annotations?.[annotation.manifestSubject] === subject)
      found.set(descriptor.digest, descriptor)
  }
  return [...found.values()]
}

/** The digest of the manifest that this one is about. */
export function subjectOf(parsed: ParsedManifest): Digest | undefined {
  return (parsed.kind === 'index' ? parsed.index : parsed.manifest).subject?.digest
}

/** The descriptor with what a referrers listing tells besides: artifact type and annotations of the manifest. */
export function describeReferrer(descriptor: Descriptor, parsed: ParsedManifest): Descriptor {
  const document = parsed.kind === 'index' ? parsed.index : parsed.manifest
  const artifactType =
    document.artifactType ?? (parsed.kind === 'manifest' ? parsed.manifest.config.mediaType : undefined)
  const annotations = { ...document.annotations, ...descriptor.annotations }
  return {
    ...descriptor,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(artifactType === undefined ? {} : { artifactType }),
  }
}
