import { historyBlobSize, readHistoryBlob } from '../../buildkit/client/history.ts'
import { parseDescriptor } from '../../oci/descriptor-json.ts'
import { isIndexType } from '../../oci/media-type.ts'
import { formatPlatformAll, parsePlatform } from '../../oci/platform.ts'
import type { Descriptor as BlobMessage } from '../../proto/gen/control_pb.ts'
import { hostPlatform } from '../host-platform.ts'
import type { FoundRecord } from './query-records.ts'

/** A document that belongs to a build. */
export interface Attachment {
  readonly digest: string
  /** Bytes. */
  readonly size: bigint
  readonly mediaType: string
  /** Predicate of a statement, else the media type. */
  readonly type: string
  /** `linux/arm64`; undefined where it is for all. */
  readonly platform: string | undefined
}

type Blob = Pick<BlobMessage, 'digest' | 'size' | 'mediaType' | 'annotations'>

/** Everything that a record points to besides log, trace and error, by platform and type. Images are looked into. */
export async function attachmentsOf(found: FoundRecord, signal: AbortSignal): Promise<readonly Attachment[]> {
  const { record } = found
  const infos = [
    ...(record.Result === undefined ? [] : [[undefined, record.Result] as const]),
    ...Object.entries(record.Results).map(
      ([id, info]) => [formatPlatformAll(parsePlatform(id, hostPlatform())), info] as const,
    ),
  ]
  const all: Attachment[] = []
  for (const [platform, info] of infos) {
    all.push(...info.Attestations.map(blob => attachment(blob, platform)))
    for (const blob of Object.values(info.Results)) all.push(...(await walk(found, blob, platform, signal)))
  }
  return all.toSorted((a, b) => compare(a.platform ?? '', b.platform ?? '') || compare(a.type, b.type))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const attachment = (blob: Blob, platform: string | undefined): Attachment => ({
  digest: blob.digest,
  size: blob.size,
  mediaType: blob.mediaType,
  type: blob.annotations['in-toto.io/predicate-type'] ?? blob.mediaType,
  platform,
})

/** An image with what is in it; what the daemon no longer has is left out. */
async function walk(
  found: FoundRecord,
  blob: Blob,
  platform: string | undefined,
  signal: AbortSignal,
): Promise<readonly Attachment[]> {
  const { connection } = found
  try {
    await historyBlobSize(connection, blob.digest, signal)
  } catch {
    return []
  }
  const isStatement = blob.annotations['vnd.docker.reference.type'] === 'attestation-manifest'
  const own = isStatement ? [] : [attachment(blob, platform)]
  if (!isIndexType(blob.mediaType)) return own
  const below: Attachment[] = []
  for (const child of childrenOf(await readHistoryBlob(connection, blob, signal))) {
    below.push(...(await walk(found, child.blob, child.platform ?? platform, signal)))
  }
  return [...own, ...below]
}

function childrenOf(index: Uint8Array): readonly { blob: Blob; platform: string | undefined }[] {
  const parsed = JSON.parse(Buffer.from(index).toString('utf8')) as { manifests?: readonly unknown[] }
  return (parsed.manifests ?? []).flatMap(value => {
    const descriptor = parseDescriptor(value, 'manifests')
    const { digest, mediaType, size, annotations = {}, platform } = descriptor
    const blob = { digest, mediaType, size: BigInt(size), annotations: { ...annotations } }
    return [{ blob, platform: platform === undefined ? undefined : formatPlatformAll(platform) }]
  })
}
