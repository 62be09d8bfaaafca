import { collectBounded } from '../async/map-bounded.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { annotation, attestationManifest } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { describeBytes, type Index, marshalIndex, parseIndex } from '../oci/manifest.ts'
import { attestationArtifactType, isIndexType } from '../oci/media-type.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { allPlatforms, anyPlatform, type PlatformMatcher } from '../oci/platform-match.ts'
import type { Combined } from './combine.ts'
import type { ImageTools } from './image-tools.ts'
import type { Source } from './source.ts'

/** A manifest with the source it is copied from. */
export interface Part {
  readonly descriptor: Descriptor
  readonly source: Source
}

/** An image as it will be put, with the manifests that must be there first. */
export interface Selection {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** Empty for a single manifest, which needs no others. */
  readonly parts: readonly Part[]
}

/**
 * Keeps the manifests of the wanted platforms (all of them where none is named), with the attestations that are about
 * them; attestations that are only found as referrers are taken into the index.
 * Source: github.com/docker/buildx util/imagetools/create.go at v0.36.1, `filterPlatforms`.
 */
export async function filterPlatforms(
  combined: Combined,
  platforms: readonly Platform[],
  tools: ImageTools,
): Promise<Selection> {
  const matcher = platforms.length === 0 ? allPlatforms : anyPlatform(platforms)
  const { descriptor, bytes } = combined
  if (!isIndexType(descriptor.mediaType)) return single(descriptor, bytes, matcher)
  const index = parseIndex(bytes, descriptor.mediaType)
  const attestations = attestationsOf(index, matcher)
  const matches = (d: Descriptor): boolean => d.platform === undefined || matcher.match(d.platform)
  const kept = index.manifests.filter(d => attestations.has(d.digest) || matches(d))
  if (kept.length === 0) {
    throw new SlipwayError('not-found', 'none of the manifests match the provided platforms', {
      hint: `the image has ${index.manifests.map(d => (d.platform === undefined ? 'no platform' : formatPlatform(d.platform))).join(', ')}`,
    })
  }
  const parts = kept.map(d => ({ descriptor: d, source: originOf(combined, d.digest) }))
  const covered = new Set(attestations.values())
  const alone = parts.filter(
    p => !attestations.has(p.descriptor.digest) && !covered.has(p.descriptor.digest) && matches(p.descriptor),
  )
  const added = await findAttestations(alone, new Set(attestations.keys()), tools)
  if (kept.length === index.manifests.length && added.length === 0) return { descriptor, bytes, parts }
  return rewritten(descriptor, index, [...parts, ...added])
}

function single(descriptor: Descriptor, bytes: Uint8Array, matcher: PlatformMatcher): Selection {
  if (descriptor.platform === undefined) {
    throw new SlipwayError(
      'invalid-argument',
      'cannot filter platforms from a manifest without platform information',
    )
  }
  if (!matcher.match(descriptor.platform)) {
    throw new SlipwayError(
      'not-found',
      `input platform ${formatPlatform(descriptor.platform)} does not match any of the provided platforms`,
    )
  }
  return { descriptor, bytes, parts: [] }
}

/** Attestation manifests about images that are kept, by their digest, with the digest of the image. */
function attestationsOf(index: Index, matcher: PlatformMatcher): ReadonlyMap<Digest, Digest> {
  const byDigest = new Map<string, Descriptor>(index.manifests.map(d => [d.digest, d]))
  const found = new Map<Digest, Digest>()
  for (const { digest, annotations = {} } of index.manifests) {
    if (annotations[annotation.referenceType] !== attestationManifest) continue
    const subject = byDigest.get(annotations[annotation.referenceDigest] ?? '')
    if (subject === undefined) continue
    if (subject.platform === undefined || matcher.match(subject.platform)) found.set(digest, subject.digest)
  }
  return found
}

function originOf(combined: Combined, digest: Digest): Source {
  const source = combined.origins.get(digest) ?? combined.whole
  if (source !== undefined) return source
  throw new SlipwayError('internal', `internal error: no source found for ${digest}`)
}

/** The first attestation that the store of each image lists as its referrer, as an entry for the index. */
async function findAttestations(
  parts: readonly Part[],
  known: ReadonlySet<Digest>,
  tools: ImageTools,
): Promise<readonly Part[]> {
  const find = async (part: Part, _: number, signal: AbortSignal): Promise<readonly Part[]> => {
    const { digest } = part.descriptor
    const artifactTypes = [attestationArtifactType]
    const listed = await tools.open(part.source.location).referrers(digest, { artifactTypes, signal })
    const referrer = listed.find(d => !known.has(d.digest))
    if (referrer === undefined) return []
    const { artifactType: _type, ...entry } = referrer
    const annotations = {
      ...entry.annotations,
      [annotation.referenceType]: attestationManifest,
      [annotation.referenceDigest]: digest,
    }
    const platform = { architecture: 'unknown', os: 'unknown' }
    return [{ descriptor: { ...entry, annotations, platform }, source: part.source }]
  }
  return (await collectBounded(parts, find, { limit: 8, signal: tools.signal })).flat()
}

/** The same index with other entries; unknown members of it are lost. */
export function rewritten(descriptor: Descriptor, index: Index, parts: readonly Part[]): Selection {
  const bytes = marshalIndex({ ...index, manifests: parts.map(p => p.descriptor) })
  const { annotations } = descriptor
  return {
    descriptor: {
      ...describeBytes(bytes, descriptor.mediaType),
      ...(annotations === undefined ? {} : { annotations }),
    },
    bytes,
    parts,
  }
}
