import { createHash } from 'node:crypto'
import { goJson, type JsonValue } from '../gostd/json.ts'
import {
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
  type Descriptor,
} from '../proto/gen/control_pb.ts'
import { goStructJson } from '../proto/go-struct-json.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { plainEntry } from '../tar/plain-entry.ts'

/** A record to be bundled, with what is known beside it. */
export interface BundledRecord {
  readonly record: BuildHistoryRecord
  /** Platform of the node: `linux/amd64`; empty where it is not known. */
  readonly defaultPlatform: string
  /** What the machine of the client noted of the build. */
  readonly localState?: JsonValue
  /** What it noted of the call that the build was one of. */
  readonly stateGroup?: JsonValue
  /** Reads a blob that the record points to. Throws `not-found`. */
  readonly readBlob: (descriptor: Descriptor) => Promise<Uint8Array>
}

interface Blob {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: { readonly [key: string]: JsonValue }
}

/** Type of the configuration by which a record is known. */
const recordType = 'application/vnd.buildkit.historyrecord.v0'

/**
 * Records with all their blobs as an OCI layout in a tar archive (`.dockerbuild`, without its gzip): one manifest a
 * record, below an index where there are several. Form:
 * https://github.com/docker/buildx/blob/v0.36.1/util/desktop/bundle/export.go
 */
export async function* recordBundle(records: readonly BundledRecord[]): AsyncIterable<Uint8Array> {
  const blobs = new Map<string, Uint8Array>()
  const manifests: Blob[] = []
  for (const one of records) manifests.push(await addRecord(one, blobs))
  const [only] = manifests
  const root = manifests.length === 1 && only !== undefined ? only : addIndex(records, manifests, blobs)
  const type = 'application/vnd.oci.image.index.v1+json'
  const index = goJson({ schemaVersion: 2, mediaType: type, manifests: [blobJson(root)] })
  yield encodeHeader(plainEntry('directory', 'blobs/', 0o755))
  yield encodeHeader(plainEntry('directory', 'blobs/sha256/', 0o755))
  for (const [digest, bytes] of [...blobs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    yield* file(`blobs/sha256/${digest.slice('sha256:'.length)}`, 0o444, bytes)
  }
  yield* file('index.json', 0o644, Buffer.from(index))
  yield* file('oci-layout', 0o444, Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  yield endOfArchive
}

async function addRecord(
  { record, readBlob, ...more }: BundledRecord,
  blobs: Map<string, Uint8Array>,
): Promise<Blob> {
  const seen = new Set<string>()
  const load = async (descriptor: Descriptor | undefined): Promise<Blob[]> => {
    if (descriptor === undefined || seen.has(descriptor.digest)) return []
    seen.add(descriptor.digest)
    blobs.set(descriptor.digest, await readBlob(descriptor))
    const { mediaType, digest, size, annotations } = descriptor
    return [{ mediaType, digest, size: Number(size), annotations }]
  }
  const layers = [...(await load(record.trace)), ...(await load(record.logs))]
  const addInfo = async (info: BuildHistoryRecord['Result']): Promise<void> => {
    for (const one of info?.Attestations ?? []) layers.push(...(await load(one)))
    for (const one of Object.values(info?.Results ?? {})) {
      // Programs that follow images must not look for layers: those stay where they are.
      for (const blob of await load(one)) {
        const kept = { ...blob.annotations, 'vnd.export-build.descriptor.mediatype': blob.mediaType }
        layers.push({ ...blob, mediaType: 'application/json', annotations: kept })
      }
    }
  }
  await addInfo(record.Result)
  layers.push(...(await load(record.externalError)))
  for (const info of Object.values(record.Results)) await addInfo(info)
  const json = new Map(
    goStructJson(BuildHistoryRecordSchema, withoutCacheSecrets(record)) as Map<string, JsonValue>,
  )
  json.set('DefaultPlatform', more.defaultPlatform)
  if (more.localState !== undefined) json.set('localState', more.localState)
  if (more.stateGroup !== undefined) json.set('stateGroup', more.stateGroup)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const config = addJson(json, recordType, blobs)
  return addJson(
    { schemaVersion: 2, mediaType: type, config: blobJson(config), layers: layers.map(blobJson) },
    type,
    blobs,
  )
}

/** Options of caches may hold credentials: of those only what names a cache is kept. */
function withoutCacheSecrets(record: BuildHistoryRecord): BuildHistoryRecord {
  const text = record.FrontendAttrs['cache-imports']
  if (text === undefined) return record
  const FrontendAttrs = { ...record.FrontendAttrs, 'cache-imports': cleanImports(text) }
  return { ...record, FrontendAttrs }
}

function cleanImports(text: string): string {
  try {
    const list = JSON.parse(text) as readonly { Type: string; Attrs?: Readonly<Record<string, string>> }[]
    return goJson(
      list.map(({ Type, Attrs = {} }) => {
        const kept = Object.entries(Attrs).filter(([key]) => key === 'scope' || key === 'ref')
        return { Type, Attrs: Object.fromEntries(kept) }
      }),
    )
  } catch {
    return ''
  }
}

function addIndex(
  records: readonly BundledRecord[],
  manifests: readonly Blob[],
  blobs: Map<string, Uint8Array>,
): Blob {
  const type = 'application/vnd.oci.image.index.v1+json'
  const listed = manifests.map((one, i) =>
    blobJson({ ...one, annotations: { 'vnd.buildkit.history.reference': records[i]?.record.Ref } }),
  )
  return addJson({ schemaVersion: 2, mediaType: type, manifests: listed }, type, blobs)
}

function addJson(value: JsonValue, mediaType: string, blobs: Map<string, Uint8Array>): Blob {
  const bytes = Buffer.from(goJson(value, { indent: '  ' }))
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  blobs.set(digest, bytes)
  return { mediaType, digest, size: bytes.length }
}

function blobJson({ mediaType, digest, size, annotations = {} }: Blob): JsonValue {
  const sorted = Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    mediaType,
    digest,
    size,
    annotations: sorted.length === 0 ? undefined : Object.fromEntries(sorted),
  }
}

function* file(name: string, mode: number, bytes: Uint8Array): Iterable<Uint8Array> {
  yield encodeHeader(plainEntry('file', name, mode, bytes.length))
  yield bytes
  yield padding(bytes.length)
}
