import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { readTar } from '../../../src/tar/read-tar.ts'
import {
  type Answer,
  briefAnswer,
  cleaned,
  type Place,
  scrubbed,
  withoutExcerpt,
  withoutLogs,
} from './answer.ts'
import type { Case } from './case.ts'

/** An image or files that came out. */
export type Result = readonly (string | Readonly<Record<string, unknown>>)[]

/** What lies in the folder of results: images layer by layer, files with their attributes, JSON as what it says. */
export async function resultOf(dir: string, place: Place): Promise<Result> {
  const found: (string | Record<string, unknown>)[] = []
  const clean = (text: string): string => cleaned(text, place)
  for (const name of existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort() : []) {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (stat.isFile() && name.endsWith('.tar')) {
      const members = await archiveOf(readFileSync(path), clean)
      if (name === 'image.tar') found.push(...members)
      else found.push({ archive: name, members })
    } else if (stat.isFile() && name.endsWith('.json')) {
      found.push({ file: name, json: scrubbed(JSON.parse(readFileSync(path, 'utf8')), clean) })
    } else if (!/^(?:l|layout|layout\/ingest)$/.test(name)) {
      const link = stat.isSymbolicLink() ? ` -> ${readlinkSync(path)}` : ''
      const content = stat.isFile()
        ? ` ${name.startsWith('iid') ? clean(readFileSync(path, 'utf8')) : hash(readFileSync(path))}`
        : ''
      const time = stat.isDirectory() ? '' : ` ${shownTime(stat.mtimeMs / 1000)}`
      const shown = /^layout\/blobs\/sha256\//.test(name) ? 'layout/blobs/sha256/…' : name
      if (shown === name)
        found.push(
          `${shown} ${(stat.mode & 0o177777).toString(8)} ${stat.uid}:${stat.gid}${time}${link}${content}`,
        )
    }
  }
  return found
}

/** What is written down of a case. */
export function recordOf(one: Case, runs: readonly Answer[], result: Result): unknown {
  const isBrief = one.mode === 'lines' || one.mode === 'files'
  const shown = isBrief ? briefResult(result) : result
  const plain = one.without.includes('excerpts') ? runs.map(withoutExcerpt) : runs
  const answers = one.without.includes('logs') ? plain.map(withoutLogs) : plain
  return {
    runs: isBrief ? answers.map(briefAnswer) : answers,
    ...(shown.length === 0 ? {} : { result: shown }),
  }
}

/** Only what an image is configured to be, its last instruction, and its layers. */
function briefResult(result: Result): Result {
  return result.flatMap((one): (string | Record<string, unknown>)[] => {
    if (typeof one === 'string') return [one]
    if ('archive' in one) return [{ [String(one['archive'])]: briefResult(one['members'] as Result) }]
    if ('layer' in one) return [{ files: one['files'] }]
    if (!('settings' in one)) return []
    const { Env, WorkingDir, ...settings } = one['settings'] as Record<string, unknown>
    const env = (Env as string[] | undefined)?.filter(text => text !== defaultPath)
    const history = one['history'] as { created_by: string }[] | undefined
    return [
      {
        ...settings,
        ...(env === undefined || env.length === 0 ? {} : { Env: env }),
        ...(WorkingDir === '/' ? {} : { WorkingDir }),
        by: history?.at(-1)?.created_by,
      },
    ]
  })
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Seconds; `now` for times of after 2024. */
const shownTime = (seconds: number): string => (seconds > 1_700_000_000 ? 'now' : String(Math.floor(seconds)))

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12)

async function listing(archive: Uint8Array): Promise<{ lines: string[]; files: Map<string, Buffer> }> {
  const lines: string[] = []
  const files = new Map<string, Buffer>()
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield archive
  }
  for await (const { entry, content } of readTar(bytes())) {
    const data = Buffer.alloc(entry.size)
    for await (const chunk of content) data.set(chunk.bytes, chunk.offset)
    files.set(entry.name, data)
    const xattrs = [...entry.xattrs].map(([key, value]) => ` ${key}=${Buffer.from(value).toString('hex')}`)
    const what =
      entry.type === 'file' ? hash(data) : `${entry.type}${entry.linkname === '' ? '' : ` ${entry.linkname}`}`
    const time = shownTime(Number(entry.mtimeNs / 1_000_000_000n))
    lines.push(
      `${entry.name} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${time} ${what}${xattrs.join('')}`,
    )
  }
  return { lines, files }
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
}

interface Document {
  readonly manifests?: readonly Descriptor[]
  readonly layers?: readonly Descriptor[] | null
  readonly config?: Partial<Descriptor>
}

/** Layers of base images that were seen: what their archives are called. */
const baseLayers = new Map<string, string>()

/** An archive as its members, or as the image in it. A base image's layers, and what has their digests in it, are not told. */
async function archiveOf(
  bytes: Uint8Array,
  clean: (text: string) => string,
): Promise<(string | Record<string, unknown>)[]> {
  const { lines, files } = await listing(bytes)
  const index = files.get('index.json')
  if (index === undefined) return lines
  const found: (string | Record<string, unknown>)[] = lines.filter(
    line => !/^(?:blobs|index.json|oci-layout)/.test(line),
  )
  const bases = new Set<string>()
  /** Whether the digest depends on the machine or on the moment. */
  const visit = async (descriptor: Descriptor): Promise<boolean> => {
    const blob = files.get(`blobs/sha256/${descriptor.digest.slice(7)}`)
    if (blob === undefined) throw new Error(`${descriptor.digest} is missing`)
    if (!descriptor.mediaType.includes('json')) return await visitLayer(descriptor, blob)
    const document = JSON.parse(blob.toString()) as Record<string, unknown>
    if (descriptor.mediaType.includes('in-toto')) {
      found.push({ statement: scrubbed(document, clean) })
      return true
    }
    const { manifests = [], layers, config } = document as Document
    let isOwn = clean(blob.toString()) !== blob.toString().replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    for (const one of [...manifests, ...(layers ?? [])]) isOwn = (await visit(one)) || isOwn
    if (config?.digest !== undefined) isOwn = (await visit(config as Descriptor)) || isOwn
    if (manifests.length === 0 && layers === undefined) found.push(settingsOf(document, bases, clean))
    else if (isOwn) found.push({ document: withoutDigests(document) })
    else found.push({ document: descriptor.digest, annotations: document['annotations'] })
    return isOwn
  }
  const visitLayer = async (descriptor: Descriptor, blob: Buffer): Promise<boolean> => {
    const known = baseLayers.get(descriptor.digest)
    if (known !== undefined) {
      bases.add(descriptor.digest).add(known)
      return true
    }
    const raw = unpacked(blob)
    const layer = (await listing(raw)).lines
    const isBase = layer.length > 200
    if (isBase) {
      const diffId = `sha256:${createHash('sha256').update(raw).digest('hex')}`
      baseLayers.set(descriptor.digest, diffId)
      bases.add(descriptor.digest).add(diffId)
    } else
      found.push({
        layer: raw === blob ? descriptor.digest : '…',
        mediaType: descriptor.mediaType,
        files: layer,
      })
    return isBase || raw !== blob
  }
  const top = JSON.parse(index.toString()) as {
    manifests: (Descriptor & { annotations?: unknown; platform?: unknown })[]
  }
  for (const one of top.manifests) {
    await visit(one)
    found.push({
      annotations: scrubbed(one.annotations, clean),
      platform: one.platform,
      mediaType: one.mediaType,
    })
  }
  return found
}

function settingsOf(
  document: Record<string, unknown>,
  bases: ReadonlySet<string>,
  clean: (text: string) => string,
): Record<string, unknown> {
  const { config: settings, history, ...others } = document
  const text = JSON.stringify({ settings, history, others })
  const shown = text.replaceAll(/sha256:[0-9a-f]{64}/g, digest =>
    bases.has(digest) ? 'sha256:base' : digest,
  )
  return scrubbed(JSON.parse(shown), line =>
    line
      .split(/(sha256:[0-9a-f]{64})/)
      .map((part, at) => (at % 2 === 1 ? part : clean(part)))
      .join(''),
  ) as Record<string, unknown>
}

/** An index or a manifest whose digests say nothing elsewhere. */
function withoutDigests(document: Record<string, unknown>): unknown {
  const text = JSON.stringify(document)
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/"size":\d+/g, '"size":0')
  return scrubbed(JSON.parse(text), line => line)
}

function unpacked(blob: Buffer): Buffer {
  if (blob[0] === 0x1f && blob[1] === 0x8b) return gunzipSync(blob)
  return blob[0] === 0x28 && blob[1] === 0xb5 ? zstdDecompressSync(blob) : blob
}
