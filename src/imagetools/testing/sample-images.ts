import { annotation, attestationManifest } from '../../oci/annotations.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { describeBytes, marshalManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import type { Platform } from '../../oci/platform.ts'
import { blobOf, putImage, putIndex, type TestImage } from '../../registry/testing/test-client.ts'

/** Platforms of the samples. */
export const amd64: Platform = { architecture: 'amd64', os: 'linux' }
/** 32-bit arm. */
export const armv7: Platform = { architecture: 'arm', os: 'linux', variant: 'v7' }

/** Images of one repository, as BuildKit would leave them: two platforms with attestations, and Docker's own types. */
export interface SampleImages {
  /** Tag `amd`. */
  readonly amd: TestImage
  /** Tag `arm`. */
  readonly arm: TestImage
  /** Tag `v1`: both, with an attestation each. */
  readonly index: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }
  readonly attestations: readonly Descriptor[]
  /** Tags `damd`, `darm` and the list of both, `dlist`. */
  readonly docker: readonly TestImage[]
}

/** Puts the samples into a store. */
export async function putSamples(store: ImageStore): Promise<SampleImages> {
  const amd = await putImage(store, { tag: 'amd', layers: ['base', 'a'], labels: { x: '<y>' } })
  const arm = await putImage(store, { tag: 'arm', layers: ['base', 'b'], platform: armv7 })
  const first = await putAttestation(store, amd.descriptor, [
    ['https://spdx.dev/Document', { spdxVersion: 'SPDX-2.3', n: 1.5, list: [{ b: 1, a: '<' }], none: null }],
    ['https://slsa.dev/provenance/v0.2', { builder: { id: '' }, z: 1, a: 1e21 }],
  ])
  const second = await putAttestation(store, arm.descriptor, [['https://slsa.dev/provenance/v1', { q: 1 }]])
  const entries = [
    { ...amd.descriptor, platform: amd64 },
    { ...arm.descriptor, platform: armv7 },
    first,
    second,
  ]
  const index = await putIndex(store, entries, { tag: 'v1', annotations: { k: 'v' } })
  const arm64: Platform = { architecture: 'arm64', os: 'linux', variant: 'v8' }
  const damd = await putImage(store, { tag: 'damd', layers: ['d1'], docker: true })
  const darm = await putImage(store, { tag: 'darm', layers: ['d2'], docker: true, platform: arm64 })
  const list = [
    { ...damd.descriptor, platform: amd64 },
    { ...darm.descriptor, platform: arm64 },
  ]
  await putIndex(store, list, { tag: 'dlist', docker: true })
  await putIndex(store, [amd.descriptor, arm.descriptor], { tag: 'bare' })
  return { amd, arm, index, attestations: [first, second], docker: [damd, darm] }
}

/** Puts an attestation manifest with a statement for each predicate; the result is its entry in an index. */
export async function putAttestation(
  store: ImageStore,
  subject: Descriptor,
  predicates: readonly (readonly [type: string, predicate: unknown])[],
  options: { readonly referrer?: boolean } = {},
): Promise<Descriptor> {
  const layers: Descriptor[] = []
  for (const [type, predicate] of predicates) {
    const digest = { sha256: subject.digest.slice('sha256:'.length) }
    const statement = {
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: type,
      subject: [{ name: '_', digest }],
      predicate,
    }
    const layer = blobOf(JSON.stringify(statement), mediaType.inToto)
    await store.putBlob(layer.descriptor, layer.open)
    layers.push({ ...layer.descriptor, annotations: { [annotation.predicateType]: type } })
  }
  const config = blobOf(
    '{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}',
    mediaType.ociConfig,
  )
  await store.putBlob(config.descriptor, config.open)
  const artifactType = 'application/vnd.docker.attestation.manifest.v1+json'
  const bytes = marshalManifest({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: config.descriptor,
    layers,
    ...(options.referrer ? { artifactType, subject } : {}),
  })
  const descriptor = describeBytes(bytes, mediaType.ociManifest)
  await store.putManifest(descriptor, bytes)
  return {
    ...descriptor,
    platform: { architecture: 'unknown', os: 'unknown' },
    annotations: {
      [annotation.referenceDigest]: subject.digest,
      [annotation.referenceType]: attestationManifest,
    },
  }
}
