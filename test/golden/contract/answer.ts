import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readTar } from '../../../src/tar/read-tar.ts'

/** What a command line left behind. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What can be compared of a build on any machine: no times, no random names, no bytes of the base image. */
export interface Answer {
  readonly code: number
  readonly stdout?: readonly string[]
  /** Standard error without the progress: warnings and the error with its excerpt. */
  readonly message?: readonly string[]
  /** Steps by name, with what they printed, in order of names. */
  readonly steps: Readonly<Record<string, readonly string[]>>
}

/** An image or files that came out. */
export type Result = readonly (string | Readonly<Record<string, unknown>>)[]

/** The comparable part of an outcome. `root` is the folder of the case: it stands in no answer. */
export function answerOf(outcome: Outcome, root: string): Answer {
  const clean = (text: string): string => cleaned(text.replaceAll(root, ''))
  const steps = new Map<string, { name: string; lines: Set<string> }>()
  const rest: string[] = []
  for (const line of outcome.stderr.replaceAll('\r', '').split('\n')) {
    const [, number = '', text = ''] = /^#(\d+) ?(.*)$/.exec(line) ?? []
    if (number === '') {
      if (!isOwn(line)) rest.push(clean(line).replace(/^\d+\.\d{3} /, ''))
      continue
    }
    const step = steps.get(number)
    if (step === undefined)
      steps.set(number, { name: clean(text).replace(/^\[\s*\d+\/\d+\] FROM/, 'FROM'), lines: new Set() })
    else {
      const shown = clean(text.replace(/^\d+\.\d+ /, '| '))
      if (/^(?:\| |ERROR)/.test(shown)) step.lines.add(shown)
    }
  }
  const shown = [...steps.values()].filter(step => isShared(step.name))
  const stdout = clean(outcome.stdout).split('\n')
  const message = squeezed(rest)
  return {
    code: outcome.code,
    ...(outcome.stdout === '' ? {} : { stdout: isJson(outcome.stdout) ? ['(JSON)'] : stdout }),
    ...(message.length === 0 ? {} : { message: sortedWarnings(message) }),
    steps: Object.fromEntries(
      shown
        .map(({ name, lines }): [string, string[]] => [name, [...lines].sort()])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }
}

const isJson = (text: string): boolean => text.startsWith('{')

function cleaned(text: string): string {
  return text
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/ref [0-9a-z]{25}::[0-9a-z]{25}/g, 'ref …')
    .replaceAll(/\b\d+\.\d+s\b/g, '…')
    .replaceAll('\r', '')
}

/** Lines that only one of the two programs prints: hints, notes about outputs, noise of libraries. */
const isOwn = (line: string): boolean =>
  /^hint: |http2: server connection error|^WARNING: No output/.test(line)

/** Steps of transfers and of the exporter are shown in ways of their own. */
const isShared = (name: string): boolean =>
  name !== '' &&
  !/^(?:building with|exporting|resolving provenance|importing|\[auth\]|Verifying|\.\.\.)/.test(name)

const squeezed = (lines: readonly string[]): string[] => lines.filter(line => line.trim() !== '')

/** The real one prints its warnings in no order. */
function sortedWarnings(lines: readonly string[]): string[] {
  const isWarning = (line: string): boolean => /^(?:\x1b\[0m)? - /.test(line)
  const plain = lines.map(line => line.replaceAll(/\x1b\[\d*m/g, ''))
  const warnings = plain.filter(isWarning).sort()
  return plain.map(line => (isWarning(line) ? (warnings.shift() ?? '') : line))
}

/** What lies in the folder of results: images layer by layer, files with their attributes. */
export async function resultOf(dir: string): Promise<Result> {
  const found: (string | Record<string, unknown>)[] = []
  for (const name of existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort() : []) {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (name === 'iid') continue
    if (stat.isFile() && name.endsWith('.tar')) found.push(...(await archiveOf(readFileSync(path))))
    else {
      const link = stat.isSymbolicLink() ? ` -> ${readlinkSync(path)}` : ''
      const content = stat.isFile() && !name.includes('provenance') ? ` ${hash(readFileSync(path))}` : ''
      if (name !== 'l') found.push(`${name} ${(stat.mode & 0o177777).toString(8)}${link}${content}`)
    }
  }
  return found
}

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
    const time = entry.mtimeNs > 1_700_000_000_000_000_000n ? 'now' : entry.mtimeNs / 1_000_000_000n
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

/** An archive as its members, or as the image in it. A base image's layers, and what has their digests in it, are not told. */
async function archiveOf(bytes: Uint8Array): Promise<(string | Record<string, unknown>)[]> {
  const { lines, files } = await listing(bytes)
  const index = files.get('index.json')
  if (index === undefined) return lines
  const found: (string | Record<string, unknown>)[] = []
  const bases = new Set<string>()
  const visit = async (descriptor: Descriptor): Promise<boolean> => {
    const blob = files.get(`blobs/sha256/${descriptor.digest.slice(7)}`)
    if (blob === undefined) throw new Error(`${descriptor.digest} is missing`)
    if (!descriptor.mediaType.includes('json')) {
      const raw = blob[0] === 0x1f ? gunzipSync(blob) : blob
      const layer = (await listing(raw)).lines
      const isBase = layer.length > 200
      if (isBase) bases.add(descriptor.digest).add(`sha256:${createHash('sha256').update(raw).digest('hex')}`)
      else found.push({ layer: descriptor.digest, mediaType: descriptor.mediaType, files: layer })
      return isBase
    }
    const document = JSON.parse(blob.toString()) as Record<string, unknown>
    const {
      manifests = [],
      layers,
      config,
    } = document as {
      manifests?: Descriptor[]
      layers?: Descriptor[] | null
      config?: Partial<Descriptor>
    }
    let onBase = false
    for (const one of [...manifests, ...(layers ?? [])]) onBase = (await visit(one)) || onBase
    if (config?.digest !== undefined) await visit(config as Descriptor)
    const { config: settings, history, ...others } = document
    if (manifests.length === 0 && layers === undefined)
      found.push({ settings, history, others: hidden(others, bases) })
    else if (!onBase) found.push({ document: descriptor.digest })
    return onBase
  }
  const top = JSON.parse(index.toString()) as {
    manifests: (Descriptor & { annotations?: unknown; platform?: unknown })[]
  }
  for (const one of top.manifests) {
    await visit(one)
    found.push({ annotations: one.annotations, platform: one.platform, mediaType: one.mediaType })
  }
  return found
}

function hidden(value: unknown, digests: ReadonlySet<string>): unknown {
  return JSON.parse(
    JSON.stringify(value).replaceAll(/sha256:[0-9a-f]{64}/g, d => (digests.has(d) ? 'sha256:base' : d)),
  )
}
