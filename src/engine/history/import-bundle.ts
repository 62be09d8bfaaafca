import { createGunzip } from 'node:zlib'
import { pipeline } from 'node:stream/promises'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { collect } from '../../bytes/collect.ts'
import type { ContentStore } from '../../content/content-store.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { parseDigest } from '../../oci/digest.ts'
import { member, parseJson, readList, readObject, readText } from '../../oci/json-reader.ts'
import { type BuildHistoryRecord, BuildHistoryRecordSchema } from '../../proto/gen/control_pb.ts'
import { readGoStructJson } from '../../proto/read-go-struct-json.ts'
import { readTar } from '../../tar/read-tar.ts'
import type { BuildHistory } from './build-history.ts'
import { recordBlobs } from './record-store.ts'

/** A record that came with a bundle. */
export interface ImportedRecord {
  readonly record: BuildHistoryRecord
  /** What the machine of the client had noted of the build. */
  readonly target: string
  readonly localPath: string
  readonly dockerfilePath: string
}

/** Largest blob, and document, of a bundle; bytes. */
const limits = { blob: 256 << 20, document: 16 << 20 }

/** Records of one bundle. */
const mostRecords = 10_000

const recordType = 'application/vnd.buildkit.historyrecord.v0'
const indexTypes = /index\.v1\+json$|manifest\.list\.v2\+json$/

/**
 * Takes the records of a bundle (`.dockerbuild`, with or without gzip) into the history, with all that they point to. They
 * are pinned: records that are old already would go with the next build. Throws `invalid-argument`, `data-loss`,
 * `resource-exhausted`.
 */
export async function importBundle(
  bundle: ByteStream,
  { history, content }: { readonly history: BuildHistory; readonly content: ContentStore },
): Promise<readonly ImportedRecord[]> {
  let index: Uint8Array | undefined
  for await (const { entry, content: chunks } of readTar(await unzipped(bundle))) {
    const hex = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/.exec(entry.name)?.[1]
    const isIndex = /^(?:\.\/)?index\.json$/.test(entry.name)
    if (hex === undefined && !isIndex) continue
    const limit = isIndex ? limits.document : limits.blob
    const bytes = await collect(bytesOf(chunks), { limit, what: entry.name })
    if (isIndex) index = bytes
    else if (hex !== undefined) await keep(`sha256:${hex}`, bytes, history)
  }
  if (index === undefined) throw new SlipwayError('invalid-argument', 'no build records found in the bundle')
  const records: ImportedRecord[] = []
  for (const manifest of await manifestsOf(index, content)) records.push(await readRecord(manifest, content))
  for (const { record } of records) history.adopt(record)
  return records
}

/** The bundle without its gzip, if it has one. */
async function unzipped(bundle: ByteStream): Promise<ByteStream> {
  const chunks = bundle[Symbol.asyncIterator]()
  const first = await chunks.next()
  const whole = (async function* (): ByteStream {
    if (first.done !== true) yield first.value
    yield* { [Symbol.asyncIterator]: () => chunks }
  })()
  const zipped = first.done !== true && first.value[0] === 0x1f && first.value[1] === 0x8b
  return zipped ? gunzip(whole) : whole
}

async function* gunzip(source: ByteStream): ByteStream {
  const zlib = createGunzip()
  // What fails here is thrown where the bytes are read.
  pipeline(source, zlib).catch(() => undefined)
  try {
    for await (const chunk of zlib) yield chunk as Buffer
  } catch (e) {
    throw new SlipwayError('data-loss', `the bundle is damaged: ${asSlipwayError(e).message}`, { cause: e })
  }
}

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): ByteStream {
  for await (const { bytes } of chunks) yield Buffer.from(bytes)
}

async function keep(digest: string, bytes: Uint8Array, history: BuildHistory): Promise<void> {
  const kept = await history.keepBlob(bytes, '')
  if (kept.digest === digest) return
  throw new SlipwayError('data-loss', `the bundle is damaged: the content of ${digest} is ${kept.digest}`)
}

/** Manifests of records: those of the index, or of the index that it names. */
async function manifestsOf(index: Uint8Array, content: ContentStore): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = []
  const visit = async (bytes: Uint8Array, depth: number): Promise<void> => {
    const what = 'the index of the bundle'
    const object = readObject(parseJson(bytes, what), what)
    for (const one of readList(object, 'manifests', what, mostRecords) ?? []) {
      const entry = readObject(one, what)
      const digest = parseDigest(readText(entry, 'digest', what) ?? '')
      const below = await content.readAll(digest, limits.document)
      if (!indexTypes.test(readText(entry, 'mediaType', what) ?? '')) found.push(below)
      else if (depth < 2) await visit(below, depth + 1)
    }
  }
  await visit(index, 0)
  return found
}

async function readRecord(manifest: Uint8Array, content: ContentStore): Promise<ImportedRecord> {
  const what = 'a manifest of the bundle'
  const config = readObject(member(readObject(parseJson(manifest, what), what), 'config'), what)
  const type = readText(config, 'mediaType', what) ?? ''
  if (type !== recordType) throw new SlipwayError('invalid-argument', `${type} is no build record`)
  const bytes = await content.readAll(parseDigest(readText(config, 'digest', what) ?? ''), limits.document)
  const json = readObject(parseJson(bytes, 'build record'), 'build record')
  const record = readGoStructJson(BuildHistoryRecordSchema, json)
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(record.Ref))
    throw new SlipwayError('invalid-argument', 'a build record of the bundle has no proper reference')
  for (const { digest } of recordBlobs(record)) {
    if ((await content.size(digest)) === undefined)
      throw new SlipwayError('data-loss', `the bundle lacks ${digest} of build ${record.Ref}`)
  }
  const state = member(json, 'localState')
  const noted = (name: string): string =>
    state === undefined ? '' : (readText(readObject(state, 'localState'), name, 'localState') ?? '')
  return {
    record: { ...record, pinned: true },
    target: noted('Target'),
    localPath: noted('LocalPath'),
    dockerfilePath: noted('DockerfilePath'),
  }
}
