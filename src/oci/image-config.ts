import { SlipwayError } from '../errors/slipway-error.ts'
import { parseRfc3339 } from '../gostd/time.ts'
import type { Platform } from './descriptor.ts'
import { parsePlatformObject } from './descriptor-json.ts'
import { type Digest, parseDigest } from './digest.ts'
import {
  type JsonObject,
  member,
  parseJson,
  readFlag,
  readInteger,
  readList,
  readObject,
  readText,
  readTextMap,
  readTexts,
} from './json-reader.ts'

/** A HEALTHCHECK. Times in nanoseconds; absent means inherited. Source: docker-image-spec v1.3.1. */
export interface Healthcheck {
  readonly Test?: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

/** How a container of the image starts. Sources: OCI image-spec 1.1 config.md; docker-image-spec v1.3.1 for the last three. */
export interface ContainerConfig {
  readonly User?: string
  readonly ExposedPorts?: readonly string[]
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Volumes?: readonly string[]
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly ArgsEscaped?: boolean
  readonly Healthcheck?: Healthcheck
  readonly OnBuild?: readonly string[]
  readonly Shell?: readonly string[]
}

/** One line of an image's history. `created` is RFC 3339. */
export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** An image's configuration. Source: OCI image-spec 1.1 config.md. */
export interface ImageConfig extends Platform {
  /** RFC 3339. */
  readonly created?: string
  readonly author?: string
  readonly config: ContainerConfig
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly Digest[] }
  readonly history: readonly HistoryEntry[]
}

/** Largest configuration read from outside, in bytes. */
export const maxConfigSize: number = 8 * 1024 * 1024

const maxLayers = 10_000

/**
 * Reads an image configuration as Go does: unknown members are dropped, absent ones empty, key case is ignored. Wrong
 * types, times and digests throw `invalid-argument`.
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.length > maxConfigSize) {
    throw new SlipwayError('resource-exhausted', `rejecting ${bytes.length} byte image config`)
  }
  const what = 'image config'
  const object = readObject(parseJson(bytes, what), what)
  const rootfs = readObject(member(object, 'rootfs'), `${what}.rootfs`)
  const diffIds = readList(rootfs, 'diff_ids', `${what}.rootfs`, maxLayers) ?? []
  const history = readList(object, 'history', what, 10 * maxLayers) ?? []
  return {
    ...(parsePlatformObject(object, what) as Platform),
    ...time(object, what),
    ...compact({ author: readText(object, 'author', what) }),
    config: parseContainerConfig(member(object, 'config')),
    rootfs: { type: readText(rootfs, 'type', what) ?? 'layers', diff_ids: diffIds.map(parseDigest) },
    history: history.map((entry, i) => parseHistory(entry, `${what}.history[${i}]`)),
  }
}

/** Reads the container part of an image configuration; null and undefined give an empty one. */
export function parseContainerConfig(value: unknown): ContainerConfig {
  const what = 'image config.config'
  const object = readObject(value, what)
  const health = member(object, 'Healthcheck')
  return compact({
    User: readText(object, 'User', what),
    ExposedPorts: keysOf(object, 'ExposedPorts', what),
    Env: readTexts(object, 'Env', what),
    Entrypoint: readTexts(object, 'Entrypoint', what),
    Cmd: readTexts(object, 'Cmd', what),
    Volumes: keysOf(object, 'Volumes', what),
    WorkingDir: readText(object, 'WorkingDir', what),
    Labels: readTextMap(object, 'Labels', what),
    StopSignal: readText(object, 'StopSignal', what),
    ArgsEscaped: readFlag(object, 'ArgsEscaped', what) || undefined,
    Healthcheck: health === null || health === undefined ? undefined : parseHealthcheck(health),
    OnBuild: readTexts(object, 'OnBuild', what),
    Shell: readTexts(object, 'Shell', what),
  })
}

function parseHealthcheck(value: unknown): Healthcheck {
  const what = 'image config.config.Healthcheck'
  const object = readObject(value, what)
  return compact({
    Test: readTexts(object, 'Test', what),
    Interval: readInteger(object, 'Interval', what),
    Timeout: readInteger(object, 'Timeout', what),
    StartPeriod: readInteger(object, 'StartPeriod', what),
    StartInterval: readInteger(object, 'StartInterval', what),
    Retries: readInteger(object, 'Retries', what),
  })
}

function parseHistory(value: unknown, what: string): HistoryEntry {
  const object = readObject(value, what)
  return {
    ...time(object, what),
    ...compact({
      created_by: readText(object, 'created_by', what),
      author: readText(object, 'author', what),
      comment: readText(object, 'comment', what),
      empty_layer: readFlag(object, 'empty_layer', what) || undefined,
    }),
  }
}

/** `created` in the spelling Go would give it again: at most nine fraction digits, none of them a trailing zero. */
function time(object: JsonObject, what: string): { readonly created?: string } {
  const text = readText(object, 'created', what)
  if (text === undefined) return {}
  parseRfc3339(text)
  const [, second = '', fraction = '', zone = ''] = /^(.{19})(?:[.,](\d+))?(.*)$/.exec(text) ?? []
  const digits = fraction.slice(0, 9).replace(/0+$/, '')
  return { created: `${second}${digits === '' ? '' : `.${digits}`}${/^[+-]00:00$/.test(zone) ? 'Z' : zone}` }
}

function keysOf(object: JsonObject, name: string, what: string): readonly string[] | undefined {
  const value = member(object, name)
  return value === null || value === undefined ? undefined : Object.keys(readObject(value, `${what}.${name}`))
}

type Compact<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the members that are undefined. */
function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Compact<T>
}
