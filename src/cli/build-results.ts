import { randomBytes } from 'node:crypto'
import { realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { nameWriteError } from '../bytes/whole-file.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts'
import type { VertexWarning } from '../status/solve-status.ts'
import type { Host } from './host.ts'

/** What a build answers, as users may have it written. */
export interface BuildAnswer {
  /** `builder/node/ref` */
  readonly ref: string
  readonly exporterResponse: Readonly<Record<string, string>>
  /** Warnings that are to be in the metadata. */
  readonly warnings?: readonly VertexWarning[]
}

/** What a sub-request answered: texts by their names. */
type CallAnswer = ReadonlyMap<string, Uint8Array>

/** The first name of an image, in full; undefined where it has none. */
export function firstName(response: Readonly<Record<string, string>>): string | undefined {
  const [name = ''] = (response['image.name'] ?? '').split(',')
  return name === '' ? undefined : formatReference(withDefaultTag(parseReference(name)))
}

/** What a frontend wants the user to read, behind an empty line and the name of the target; empty without. */
export function frontendMessage(response: Readonly<Record<string, string>>, target?: string): string {
  const message = response['frontend.result.inlinemessage']
  if (message === undefined) return ''
  return `\n${target === undefined ? '' : `# ${target}\n`}${message}\n`
}

/** The id of an image: that of the configuration where there is one image, else of the index; empty without either. */
export function imageId(response: Readonly<Record<string, string>>): string {
  return response['containerimage.config.digest'] ?? response['containerimage.digest'] ?? ''
}

/**
 * The metadata of a build as JSON: keys sorted, base64 JSON decoded. Keys:
 * https://github.com/docker/buildx/blob/v0.36.1/docs/reference/buildx_build.md#metadata-file
 */
export function buildMetadata(answer: BuildAnswer): string {
  const metadata = { ...metadataOf(answer), ...warningsMember(answer.warnings) }
  return goJson(sorted(metadata), { indent: '  ' })
}

/** What a sub-request answered, as the metadata of its build. */
export function callMetadata(answer: CallAnswer): string {
  return goJson(sorted(callMembers(answer)), { indent: '  ' })
}

function callMembers(answer: CallAnswer): Record<string, JsonValue> {
  const members = [...answer].map(([key, value]) => {
    const text = Buffer.from(value).toString('utf8')
    return [key, key === 'result.json' ? (withMembers(text) ?? text) : decoded(text)]
  })
  return Object.fromEntries(members) as Record<string, JsonValue>
}

/** The metadata of several builds, by the names of their targets, and what was warned of in any of them. */
export function targetsMetadata(
  answers: ReadonlyMap<string, BuildAnswer | CallAnswer>,
  warnings?: readonly VertexWarning[],
): string {
  const targets = Object.fromEntries(
    [...answers].map(([name, answer]) => [
      name,
      sorted('exporterResponse' in answer ? metadataOf(answer) : callMembers(answer)),
    ]),
  )
  const metadata: Record<string, JsonValue> = { ...targets, ...warningsMember(warnings) }
  return goJson(sorted(metadata), { indent: '  ' })
}

/** Members by name; what is in them stays in the order that it came in. */
const sorted = (members: Readonly<Record<string, JsonValue>>): JsonValue =>
  new Map(Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1)))

function metadataOf(answer: BuildAnswer): { [key: string]: JsonValue } {
  const metadata: Record<string, JsonValue> = { 'buildx.build.ref': answer.ref }
  for (const [key, value] of Object.entries(answer.exporterResponse)) metadata[key] = decoded(value)
  return metadata
}

const warningsMember = (warnings: readonly VertexWarning[] = []): Record<string, JsonValue> =>
  warnings.length === 0 ? {} : { 'buildx.build.warnings': warnings.map(warningJson) }

/** A place as Go writes it: numbers that are zero are left out. */
const positionJson = ({ line, character }: { line: number; character: number }): JsonValue => ({
  line: line || undefined,
  character: character || undefined,
})

/** A warning as Go writes client.VertexWarning: texts are bytes there. */
function warningJson({ vertex, level, short, detail = [], url, source }: VertexWarning): JsonValue {
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  return {
    vertex,
    level: level === 0 ? undefined : level,
    short: short === '' ? undefined : bytes(short),
    detail: detail.length === 0 ? undefined : detail.map(bytes),
    url: url === '' ? undefined : url,
    sourceInfo:
      source === undefined
        ? undefined
        : { filename: source.filename, data: source.data, language: source.language || undefined },
    range:
      source === undefined
        ? undefined
        : source.ranges.map(({ start, end }) => ({ start: positionJson(start), end: positionJson(end) })),
  }
}

/** A value that is base64 of JSON with members, as that JSON; anything else as it is. */
function decoded(value: string): JsonValue {
  if (!/^[A-Za-z0-9+/]+=*$/.test(value) || value.length % 4 !== 0) return value
  return withMembers(Buffer.from(value, 'base64').toString('utf8')) ?? value
}

/** An object, or a list of objects, that is not empty. */
function withMembers(text: string): JsonValue | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    const all = Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]
    const isMap = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
    const isFull = Array.isArray(parsed) ? all.length > 0 : Object.keys(parsed as object).length > 0
    return isFull && all.every(isMap) ? (parsed as JsonValue) : undefined
  } catch {
    return undefined
  }
}

/**
 * Makes sure, before a build, that the file for its results can be written afterwards. Throws `not-found` where its
 * directory is missing, `invalid-argument` where it is a directory.
 */
export function checkResultFile(
  path: string,
  host: Pick<Host, 'cwd'>,
  kind: 'metadata' | 'image ID' = 'metadata',
): void {
  if (path === '') return
  const named = resolve(host.cwd, path)
  const folder = dirname(path)
  const found = statOf(dirname(named))
  if (found === undefined) {
    const missing = 'no such file or directory'
    const message =
      kind === 'metadata'
        ? `invalid output path: stat ${folder}: ${missing}`
        : `writing image ID file: open ${path}: ${missing}`
    throw new SlipwayError('not-found', message)
  }
  if (!found.isDirectory())
    throw new SlipwayError('invalid-argument', `invalid output path: stat ${folder}: not a directory`)
  if (statOf(named)?.isDirectory() === true)
    throw new SlipwayError('invalid-argument', `cannot write to a directory: ${named}`)
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Writes a small file so that it is there whole or not at all; what is no regular file (`/dev/null`) stays what it is. */
export function writeWhole(path: string, text: string, host: Pick<Host, 'cwd'>): void {
  const named = resolve(host.cwd, path)
  checkResultFile(path, host)
  const before = statSync(named, { throwIfNoEntry: false })
  const isSpecial = before !== undefined && !before.isFile()
  const target = before === undefined || isSpecial ? named : realpathSync(named)
  const written = isSpecial ? target : `${target}.tmp${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(written, text, { mode: 0o644 })
    if (!isSpecial) renameSync(written, target)
  } catch (e) {
    if (!isSpecial) rmSync(written, { force: true })
    throw nameWriteError(e, named)
  }
}
