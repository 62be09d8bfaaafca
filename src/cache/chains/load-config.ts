import { SlipwayError } from '../../errors/slipway-error.ts'
import type { RecordLink } from '../../solver/export-cache.ts'
import type { CacheConfig, ConfigRecord } from './cache-config.ts'
import { type CachedResult, CacheGraph, type CacheItem } from './cache-graph.ts'
import type { CachedLayer } from './cached-layer.ts'

/**
 * The records of a description, added to those of `graph` (default: a new one). Results whose layers are not known
 * (`layerOf`) are left out. Throws `invalid-argument` for numbers that lead nowhere or in a circle.
 */
export function loadConfig(
  config: CacheConfig,
  layerOf: (layer: number) => CachedLayer | undefined,
  graph: CacheGraph = new CacheGraph(),
): CacheGraph {
  const done = new Map<number, CacheItem>()
  const open = new Set<number>()
  const visit = (i: number): CacheItem => {
    const known = done.get(i)
    if (known) return known
    if (open.has(i)) throw new SlipwayError('invalid-argument', 'invalid looping record')
    const record = config.records[i]
    if (record === undefined) throw new SlipwayError('invalid-argument', `invalid record ID: ${i}`)
    open.add(i)
    const inputs = record.inputs.map(links =>
      links.map(({ selector, link }): RecordLink<CacheItem> => ({ selector, record: visit(link) })),
    )
    open.delete(i)
    const results = resultsOf(record, config, layerOf)
    const item = graph.add(record.digest, inputs, results[0])
    for (const result of results.slice(1)) graph.add(record.digest, inputs, result)
    done.set(i, item)
    return item
  }
  for (const i of config.records.keys()) visit(i)
  return graph
}

function resultsOf(
  record: ConfigRecord,
  config: CacheConfig,
  layerOf: (layer: number) => CachedLayer | undefined,
): readonly CachedResult[] {
  const whole = (numbers: readonly number[], createdMs: number): CachedResult[] => {
    const layers = numbers.flatMap(number => layerOf(number) ?? [])
    return layers.length === numbers.length ? [{ layers, createdMs }] : []
  }
  return [
    ...record.results.flatMap(({ layer, createdMs }) => whole(chainOf(config, layer), createdMs)),
    ...record.chains.flatMap(({ layers, createdMs }) => {
      for (const layer of layers) check(config, layer)
      return whole(layers, createdMs)
    }),
  ]
}

function check(config: CacheConfig, layer: number): void {
  if (config.layers[layer] === undefined)
    throw new SlipwayError('invalid-argument', `invalid layer index ${layer}`)
}

/** Numbers of a layer and of all below it, lowest first. */
function chainOf(config: CacheConfig, top: number): readonly number[] {
  const chain: number[] = []
  for (let layer = top; layer !== -1; layer = config.layers[layer]?.parent ?? -1) {
    check(config, layer)
    if (chain.length > config.layers.length)
      throw new SlipwayError('invalid-argument', 'invalid looping layer')
    chain.unshift(layer)
  }
  return chain
}
