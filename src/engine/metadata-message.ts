import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  ResolveSourceImageRequest,
  ResolveSourceImageResponseSchema,
  ResolveSourceMetaResponseSchema,
} from '../proto/gen/gateway_pb.ts'
import type { SourceMetadata } from './source-metadata.ts'

function imageMessage(
  image: NonNullable<SourceMetadata['image']>,
): MessageInitShape<typeof ResolveSourceImageResponseSchema> {
  const { digest, config, attestations } = image
  if (attestations === undefined) return { Digest: digest, Config: config }
  const blobs = [...attestations.blobs].map(([key, { descriptor, bytes }]) => {
    const { mediaType, size, annotations } = descriptor
    const described = { digest: key, mediaType, size: BigInt(size), annotations: { ...annotations } }
    return [key, { descriptor: described, data: bytes }]
  })
  return {
    Digest: digest,
    Config: config,
    AttestationChain: {
      Root: attestations.root,
      ImageManifest: attestations.imageManifest,
      AttestationManifest: attestations.attestationManifest ?? '',
      SignatureManifests: [...attestations.signatureManifests],
      Blobs: Object.fromEntries(blobs),
    },
  }
}

/** What is known of a source, as it travels. */
export function metadataMessage(
  known: SourceMetadata,
): MessageInitShape<typeof ResolveSourceMetaResponseSchema> {
  const { source, image, git, http } = known
  return {
    Source: { identifier: source.identifier, attrs: { ...source.attrs } },
    ...(image === undefined ? {} : { Image: imageMessage(image) }),
    ...(git === undefined
      ? {}
      : {
          Git: {
            Ref: git.ref,
            Checksum: git.checksum,
            CommitChecksum: git.commitChecksum,
            ...(git.commitObject === undefined ? {} : { CommitObject: git.commitObject }),
            ...(git.tagObject === undefined ? {} : { TagObject: git.tagObject }),
          },
        }),
    ...(http === undefined
      ? {}
      : {
          HTTP: {
            Checksum: http.digest,
            Filename: http.filename,
            ...(http.checksum === undefined
              ? {}
              : { ChecksumResponse: { Digest: http.checksum.digest, Suffix: http.checksum.suffix } }),
            ...(http.lastModified === undefined
              ? {}
              : { LastModified: { seconds: BigInt(Math.floor(http.lastModified / 1000)), nanos: 0 } }),
          },
        }),
  }
}

/** Predicate types of the statements that a request is about; undefined where it wants to know nothing of them. */
export function wantedAttestations(
  request: ResolveSourceImageRequest | undefined,
): readonly string[] | undefined {
  const types = request?.ResolveAttestations ?? []
  return types.length > 0 || request?.AttestationChain === true ? types : undefined
}
