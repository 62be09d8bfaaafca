import type { Descriptor, Platform } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { type Index, parseManifest } from '../../oci/manifest.ts'
import { isManifestType, mediaType } from '../../oci/media-type.ts'
import { matchingManifests, onlyPlatform } from '../../oci/platform-match.ts'
import type { SourceContext } from '../source-context.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { bring, type KnownDocuments, type ResolvedRoot } from './resolve-image.ts'

/** Documents that tell where an image comes from, for somebody who verifies signatures. */
export interface AttestationChain {
  /** The index. */
  readonly root: Digest
  readonly imageManifest: Digest
  /** Manifest of the statements about the image; absent where there are none. */
  readonly attestationManifest?: Digest
  readonly signatureManifests: readonly Digest[]
  /** Documents by digest. The image's own manifest is not among them: nobody needs it for this. */
  readonly blobs: ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly bytes: Uint8Array }>
}

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const cosignType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
const statementType = 'application/vnd.in-toto+json'
const provenanceTypes = ['https://slsa.dev/provenance/v0.2', 'https://slsa.dev/provenance/v1']
const predicateKey = 'in-toto.io/predicate-type'

/** Larger documents are refused. */
const largest = 32 << 20

/**
 * Brings the index of an image, the manifest of its statements, a signature of that (a Sigstore bundle rather than another)
 * and statements of the wanted predicate types. Undefined for what is no OCI index. Throws `not-found`. Source:
 * https://github.com/moby/policy-helpers/blob/main/image/resolve.go, as in buildkit v0.32.2 source/containerimage/source.go
 */
export async function attestationChain(
  { root, store }: ResolvedRoot,
  platform: Platform,
  predicateTypes: readonly string[],
  known: KnownDocuments,
  ctx: SourceContext,
): Promise<AttestationChain | undefined> {
  if (root.descriptor.mediaType !== mediaType.ociIndex) return undefined
  const parsed = parseManifest(root.bytes, root.descriptor.mediaType)
  if (parsed.kind !== 'index') return undefined
  const image = imageOf(parsed.index, platform)
  const statements = await statementsOf(parsed.index, image, store, ctx)
  const blobs = new Map([[root.descriptor.digest, { descriptor: root.descriptor, bytes: root.bytes }]])
  const add = async (descriptor: Descriptor): Promise<Uint8Array> => {
    const bytes = await bring(descriptor, largest, store, known.content, ctx)
    blobs.set(descriptor.digest, { descriptor, bytes })
    return bytes
  }
  const chain = { root: root.descriptor.digest, imageManifest: image.digest, blobs }
  if (statements === undefined) return { ...chain, signatureManifests: [] }
  const signature = await signatureOf(statements, store, ctx)
  const manifest = layersOf(await add(statements), statements)
  if (signature !== undefined) for (const layer of layersOf(await add(signature), signature)) await add(layer)
  for (const layer of manifest)
    if (predicateTypes.includes(layer.annotations?.[predicateKey] ?? '')) await add(layer)
  return {
    ...chain,
    attestationManifest: statements.digest,
    signatureManifests: signature === undefined ? [] : [signature.digest],
  }
}

function imageOf(index: Index, platform: Platform): Descriptor {
  const [best] = matchingManifests(
    index.manifests.filter(one => isManifestType(one.mediaType)),
    onlyPlatform(platform),
  )
  if (best !== undefined) return best
  throw new SlipwayError('not-found', 'no match for platform in manifest: not found')
}

/** Where the statements about an image are: an entry of the index, or, for hardened images, a referrer of the image. */
async function statementsOf(
  index: Index,
  image: Descriptor,
  store: ImageStore,
  ctx: SourceContext,
): Promise<Descriptor | undefined> {
  if (!isHardened(index)) {
    return index.manifests.find(
      ({ annotations }) =>
        annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
        annotations['vnd.docker.reference.digest'] === image.digest,
    )
  }
  const artifactTypes = [statementType]
  const referrers = await store.referrers(image.digest, { artifactTypes, signal: ctx.signal })
  const found = referrers.find(
    one =>
      one.artifactType === statementType && provenanceTypes.includes(one.annotations?.[predicateKey] ?? ''),
  )
  if (found !== undefined) return found
  throw new SlipwayError('not-found', `no attestation referrers found for DHI manifest ${image.digest}`)
}

const isHardened = ({ annotations, manifests }: Index): boolean =>
  (annotations?.['org.opencontainers.image.title'] ?? '').startsWith('dhi/') &&
  manifests.every(one => (one.annotations?.['com.docker.dhi.build.id'] ?? '') !== '')

async function signatureOf(
  statements: Descriptor,
  store: ImageStore,
  ctx: SourceContext,
): Promise<Descriptor | undefined> {
  const referrers = await store.referrers(statements.digest, { signal: ctx.signal })
  const ofType = (type: string): Descriptor | undefined => referrers.find(one => one.artifactType === type)
  return ofType(bundleType) ?? ofType(cosignType)
}

function layersOf(bytes: Uint8Array, descriptor: Descriptor): readonly Descriptor[] {
  const parsed = parseManifest(bytes, descriptor.mediaType)
  return parsed.kind === 'manifest' ? parsed.manifest.layers : []
}
