import type { ContentStore } from '../content/content-store.ts'
import { goJson } from '../gostd/json.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import { digestHex } from '../oci/digest.ts'
import { marshalManifest } from '../oci/manifest.ts'
import { attestationArtifactType, mediaType } from '../oci/media-type.ts'
import { packageUrl } from '../oci/package-url.ts'
import type { ExportContext } from './export-context.ts'
import type { Attestation } from './export-source.ts'
import type { WrittenManifest } from './image-writer.ts'
import { inTotoStatement } from './statement.ts'

/** How a manifest of statements is written. */
export interface AttestationOptions {
  /** As an OCI artifact; otherwise with an image configuration, as older registries want it. */
  readonly artifact: boolean
  readonly names: readonly string[]
  readonly platform: Platform
}

const emptyConfig = Buffer.from('{}')

/**
 * Statements about an image, one layer each, in a manifest that says which image they are about.
 * Format: https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/attestation-storage.md
 */
export async function writeAttestationManifest(
  target: Descriptor,
  attestations: readonly Attestation[],
  options: AttestationOptions,
  content: ContentStore,
  ctx: ExportContext,
): Promise<WrittenManifest> {
  const targetDigest = { sha256: digestHex(target.digest) }
  const subjects = options.names.map(name => ({
    name: packageUrl('docker', name, options.platform),
    digest: targetDigest,
  }))
  const layers: Descriptor[] = []
  for (const attestation of attestations) {
    const statement = Buffer.from(goJson(await inTotoStatement(attestation, subjects)))
    const { digest, size } = await content.put(statement)
    layers.push({
      mediaType: mediaType.inToto,
      digest,
      size,
      annotations: { 'in-toto.io/predicate-type': attestation.predicateType },
    })
  }
  const configBytes = options.artifact ? emptyConfig : attestationConfig(layers)
  const stored = await content.put(configBytes)
  const config: Descriptor = options.artifact
    ? { mediaType: mediaType.ociEmpty, digest: stored.digest, size: stored.size, data: 'e30=' }
    : { mediaType: mediaType.ociConfig, digest: stored.digest, size: stored.size }
  const subject = { mediaType: target.mediaType, digest: target.digest, size: target.size }
  const bytes = marshalManifest({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config,
    layers,
    ...(options.artifact ? { artifactType: attestationArtifactType, subject } : {}),
  })
  const { digest, size } = await content.put(bytes)
  await ctx.progress.step(`exporting attestation manifest ${digest}`, async () => undefined)
  return {
    descriptor: {
      mediaType: mediaType.ociManifest,
      digest,
      size,
      annotations: {
        'vnd.docker.reference.digest': target.digest,
        'vnd.docker.reference.type': 'attestation-manifest',
      },
    },
    bytes,
    config,
    layers: layers.map(descriptor => ({ descriptor, diffId: descriptor.digest })),
  }
}

function attestationConfig(layers: readonly Descriptor[]): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      architecture: 'unknown',
      os: 'unknown',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.digest) },
    }),
  )
}
