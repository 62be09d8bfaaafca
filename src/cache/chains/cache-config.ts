import { SlipwayError } from '../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { formatRfc3339Nano, parseRfc3339 } from '../../gostd/time.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import {
  type JsonObject,
  parseJson,
  readInteger,
  readList,
  readObject,
  readText,
} from '../../oci/json-reader.ts'

/** Media type of a cache's description. */
export const cacheConfigType = 'application/vnd.buildkit.cacheconfig.v0'

/** A layer of the cache. `parent`: number of the layer below it, or -1. */
export interface ConfigLayer {
  readonly blob: Digest
  readonly parent: number
  /** Where no manifest describes the blobs. */
  readonly annotations?: ConfigLayerFacts
}

/** What is known of a blob. `size` in bytes, `createdMs` since 1970. */
export interface ConfigLayerFacts {
  readonly mediaType: string
  readonly diffId: Digest
  readonly size: number
  readonly createdMs?: number
}

/** One record: a step by digest, for each input the records that it may be, and the layers that were made. */
export interface ConfigRecord {
  readonly digest: string
  readonly inputs: readonly (readonly { readonly selector: string; readonly link: number }[])[]
  /** Each by its topmost layer. */
  readonly results: readonly { readonly layer: number; readonly createdMs: number }[]
  /** Each by all its layers, lowest first. */
  readonly chains: readonly { readonly layers: readonly number[]; readonly createdMs: number }[]
}

/** A cache's description. Source: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/v1/types/spec.go */
export interface CacheConfig {
  readonly layers: readonly ConfigLayer[]
  readonly records: readonly ConfigRecord[]
}

/** Go's zero time. */
const noTime = '0001-01-01T00:00:00Z'
const timeText = (ms: number | undefined): string => (ms === undefined ? noTime : formatRfc3339Nano(ms))

/** The description as bytes; equal descriptions give equal bytes. */
export function marshalCacheConfig(config: CacheConfig): Uint8Array {
  const layers = config.layers.map(layerJson)
  const records = config.records.map(recordJson)
  return Buffer.from(
    goJson({
      ...(layers.length === 0 ? {} : { layers }),
      ...(records.length === 0 ? {} : { records }),
    }),
  )
}

/** The records alone, as inline caches have them. */
export function marshalCacheRecords(records: readonly ConfigRecord[]): Uint8Array {
  return Buffer.from(goJson(records.map(recordJson)))
}

function layerJson({ blob, parent, annotations }: ConfigLayer): JsonValue {
  const facts = annotations && {
    mediaType: annotations.mediaType,
    diffID: annotations.diffId,
    size: annotations.size,
    createdAt: timeText(annotations.createdMs),
  }
  return { blob, ...(parent === 0 ? {} : { parent }), ...(facts === undefined ? {} : { annotations: facts }) }
}

function recordJson({ digest, inputs, results, chains }: ConfigRecord): JsonValue {
  return {
    ...(results.length === 0
      ? {}
      : { layers: results.map(one => ({ layer: one.layer, createdAt: timeText(one.createdMs) })) }),
    ...(chains.length === 0
      ? {}
      : { chains: chains.map(one => ({ layers: one.layers, createdAt: timeText(one.createdMs) })) }),
    digest,
    ...(inputs.length === 0
      ? {}
      : {
          inputs: inputs.map(links =>
            links.map(one => ({
              ...(one.selector === '' ? {} : { selector: one.selector }),
              link: one.link,
            })),
          ),
        }),
  }
}

/** Reads a description. Throws `invalid-argument`, naming the place, where it is none. */
export function parseCacheConfig(bytes: Uint8Array): CacheConfig {
  const object = readObject(parseJson(bytes, 'cache config'), 'cache config')
  return {
    layers: list(object, 'layers', 'cache config').map((one, i) =>
      readLayer(one, `cache config: layer ${i}`),
    ),
    records: list(object, 'records', 'cache config').map(readRecord),
  }
}

/** Reads the records of an inline cache. */
export function parseCacheRecords(bytes: Uint8Array): readonly ConfigRecord[] {
  const parsed = parseJson(bytes, 'inline cache')
  if (!Array.isArray(parsed)) throw invalid('inline cache: not a list of records')
  return parsed.map(readRecord)
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

function list(object: JsonObject, name: string, what: string): readonly unknown[] {
  return readList(object, name, what, 100_000) ?? []
}

function readDigest(object: JsonObject, name: string, what: string): Digest {
  const text = readText(object, name, what)
  if (!isDigest(text)) throw invalid(`${what}: ${name} is not a digest`)
  return text
}

function readLayer(value: unknown, what: string): ConfigLayer {
  const object = readObject(value, what)
  const facts = object['annotations']
  return {
    blob: readDigest(object, 'blob', what),
    parent: readInteger(object, 'parent', what) ?? 0,
    ...(facts === undefined || facts === null ? {} : { annotations: readFacts(facts, what) }),
  }
}

function readFacts(value: unknown, what: string): ConfigLayerFacts {
  const object = readObject(value, what)
  const created = readTime(object, what)
  return {
    mediaType: readText(object, 'mediaType', what) ?? '',
    diffId: readDigest(object, 'diffID', what),
    size: readInteger(object, 'size', what) ?? 0,
    ...(created > 0 ? { createdMs: created } : {}),
  }
}

function readTime(object: JsonObject, what: string): number {
  const text = readText(object, 'createdAt', what)
  return text === undefined || text === noTime ? 0 : parseRfc3339(text)
}

function readRecord(value: unknown, i: number): ConfigRecord {
  const what = `cache config: record ${i}`
  const object = readObject(value, what)
  return {
    digest: readText(object, 'digest', what) ?? '',
    inputs: list(object, 'inputs', what).map(links => {
      if (!Array.isArray(links) || links.length === 0) throw invalid(`invalid empty input for record ${i}`)
      return links.map(link => {
        const one = readObject(link, what)
        return { selector: readText(one, 'selector', what) ?? '', link: readInteger(one, 'link', what) ?? 0 }
      })
    }),
    results: list(object, 'layers', what).map(one => {
      const result = readObject(one, what)
      return { layer: readInteger(result, 'layer', what) ?? 0, createdMs: readTime(result, what) }
    }),
    chains: list(object, 'chains', what).map(one => {
      const chain = readObject(one, what)
      return { layers: list(chain, 'layers', what).map(Number), createdMs: readTime(chain, what) }
    }),
  }
}
