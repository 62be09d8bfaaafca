import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ResolveSourceMetaResponseSchema } from '../proto/gen/gateway_pb.ts'
import type { SourceMetadata } from './source-metadata.ts'

/** What is known of a source, as it travels. */
export function metadataMessage(
  known: SourceMetadata,
): MessageInitShape<typeof ResolveSourceMetaResponseSchema> {
  const { source, image, git, http } = known
  return {
    Source: { identifier: source.identifier, attrs: { ...source.attrs } },
    ...(image === undefined ? {} : { Image: { Digest: image.digest, Config: image.config } }),
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
