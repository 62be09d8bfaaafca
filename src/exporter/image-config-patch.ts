import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { formatRfc3339Nano } from '../gostd/time.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

interface HistoryItem {
  created?: string
  created_by?: string
  author?: string
  comment?: string
  empty_layer?: boolean
}

/** One layer of an image as its history needs it. */
export interface LayerFacts {
  readonly diffId: Digest
  readonly createdMs?: number
  readonly description?: string
}

interface PatchOptions {
  readonly layers: readonly LayerFacts[]
  /** Seconds since 1970: later times are set back to it, those of the base image excepted. */
  readonly epoch?: number
  readonly baseConfig?: Uint8Array
  /** Cache description for `moby.buildkit.cache.v0`. */
  readonly inlineCache?: Uint8Array
}

/** The configuration of an image whose frontend gave none. */
export function defaultImageConfig(platform: Platform): Uint8Array {
  const config = {
    architecture: platform.architecture,
    ...(platform.variant ? { variant: platform.variant } : {}),
    os: platform.os,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [] },
  }
  return Buffer.from(JSON.stringify(config))
}

/**
 * The configuration with its layers and history complete: one history entry with a layer for every layer, times filled
 * in from neighbours, keys sorted, no white space. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/writer.go
 */
export function patchImageConfig(bytes: Uint8Array, options: PatchOptions): Uint8Array {
  const parsed = parseObject(bytes)
  if (typeof parsed['os'] !== 'string' || parsed['os'] === '')
    throw new SlipwayError('invalid-argument', 'invalid image config for export: missing os')
  if (typeof parsed['architecture'] !== 'string' || parsed['architecture'] === '') {
    throw new SlipwayError('invalid-argument', 'invalid image config for export: missing architecture')
  }
  const history = completeHistory(historyOf(parsed), options.layers)
  if (options.epoch !== undefined)
    clampHistory(history, options.epoch * 1000, baseHistory(options.baseConfig))
  const { rootfs: _rootfs, history: _history, created, ...rest } = parsed
  const diffIds = options.layers.map(layer => layer.diffId)
  const patched: Record<string, JsonValue> = {
    ...(rest as Record<string, JsonValue>),
    rootfs: { type: 'layers', diff_ids: diffIds.length === 0 ? null : diffIds },
    history: history.length === 0 ? null : history.map(historyJson),
    created: createdTime(created, history, options.epoch),
  }
  if (options.inlineCache) patched['moby.buildkit.cache.v0'] = Buffer.from(options.inlineCache)
  return Buffer.from(goJson(sortTop(patched)))
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (e) {
    throw new SlipwayError('invalid-argument', 'invalid image config for export', { cause: e })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SlipwayError('invalid-argument', 'invalid null image config for export')
  }
  return value as Record<string, unknown>
}

/** DiffIDs of a configuration's layers, as they stand there. Throws `invalid-argument`. */
export function diffIdsOf(config: Uint8Array): readonly string[] {
  const rootfs = parseObject(config)['rootfs'] as { diff_ids?: unknown } | undefined
  return Array.isArray(rootfs?.diff_ids) ? (rootfs.diff_ids as string[]) : []
}

function historyOf(config: Record<string, unknown>): HistoryItem[] {
  const list = config['history']
  return Array.isArray(list) ? list.map(item => ({ ...(item as HistoryItem) })) : []
}

const baseHistory = (bytes: Uint8Array | undefined): readonly HistoryItem[] =>
  bytes === undefined ? [] : historyOf(parseObject(bytes))

function completeHistory(history: HistoryItem[], layers: readonly LayerFacts[]): HistoryItem[] {
  let seen = 0
  const items = history.map(item => {
    if (item.empty_layer) return item
    if (seen >= layers.length) return { ...item, empty_layer: true }
    seen++
    return item
  })
  for (const layer of layers.slice(seen)) {
    items.push({
      ...(layer.createdMs === undefined ? {} : { created: formatRfc3339Nano(layer.createdMs) }),
      created_by: layer.description || 'created by buildkit',
      comment: 'buildkit.exporter.image.v0',
    })
  }
  let index = 0
  for (const item of items) {
    if (item.empty_layer) continue
    const createdMs = layers[index]?.createdMs
    index++
    if (item.created === undefined && createdMs !== undefined) item.created = formatRfc3339Nano(createdMs)
  }
  fillTimes(items)
  return items
}

/** Entries without a time take that of the layer before them; the first ones that of the first new layer. */
function fillTimes(items: HistoryItem[]): void {
  let created: string | undefined
  let missing = false
  for (const item of items) {
    if (item.created === undefined) missing = true
    else {
      created = item.created
      if (missing) break
    }
  }
  missing = false
  for (const item of items) {
    if (item.created !== undefined) {
      if (missing) created = item.created
    } else {
      missing = true
      if (created !== undefined) item.created = created
    }
  }
}

function clampHistory(items: HistoryItem[], limitMs: number, base: readonly HistoryItem[]): void {
  let diverged = false
  for (const [i, item] of items.entries()) {
    const original = base[i]
    if (
      !diverged &&
      original !== undefined &&
      JSON.stringify(historyJson(original)) === JSON.stringify(historyJson(item))
    )
      continue
    diverged = true
    if (item.created === undefined || Date.parse(item.created) > limitMs)
      item.created = formatRfc3339Nano(limitMs)
  }
}

function createdTime(given: unknown, history: readonly HistoryItem[], epoch: number | undefined): JsonValue {
  if (typeof given === 'string') {
    return epoch !== undefined && Date.parse(given) > epoch * 1000 ? formatRfc3339Nano(epoch * 1000) : given
  }
  return history.findLast(item => item.created !== undefined)?.created ?? null
}

const historyJson = (item: HistoryItem): JsonValue => ({
  created: item.created,
  created_by: item.created_by || undefined,
  author: item.author || undefined,
  comment: item.comment || undefined,
  empty_layer: item.empty_layer || undefined,
})

/** Go sorts the members of the outermost object only: the rest are raw or structs. */
function sortTop(value: Record<string, JsonValue>): JsonValue {
  const top: Record<string, JsonValue> = {}
  for (const key of Object.keys(value).sort()) top[key] = value[key]
  return top
}
