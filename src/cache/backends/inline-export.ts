import type { Digest } from '../../oci/digest.ts'
import { type CacheConfig, marshalCacheRecords } from '../chains/cache-config.ts'
import { CacheGraph } from '../chains/cache-graph.ts'
import type { CachedLayer } from '../chains/cached-layer.ts'
import { loadConfig } from '../chains/load-config.ts'
import { marshalGraph } from '../chains/marshal-graph.ts'

/**
 * The part of a cache that speaks of the layers of one image only, numbered as the image has them: what its
 * configuration brings along. Undefined where nothing is left.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/inline/inline.go
 */
export function inlineCache(
  graph: CacheGraph,
  image: readonly { digest: Digest; diffId: Digest }[],
): Uint8Array | undefined {
  const { config, layers } = marshalGraph(graph)
  const positions = (layer: CachedLayer): number[] =>
    image.flatMap(({ digest, diffId }, i) =>
      digest === layer.descriptor.digest || diffId === layer.diffId ? [i] : [],
    )
  const kept = loadConfig(config, number => {
    const layer = layers[number]
    return layer !== undefined && positions(layer).length > 0 ? layer : undefined
  })
  const reduced = marshalGraph(kept)
  if (reduced.layers.length === 0) return undefined
  const positionsOf = reduced.layers.map(positions)
  const records = reduced.config.records.map(record => {
    const results: { layer: number; createdMs: number }[] = []
    const chains: { layers: readonly number[]; createdMs: number }[] = []
    for (const { layer, createdMs } of record.results) {
      const chain = chainOf(reduced.config, layer)
      if (chain.every((number, i) => positionsOf[number]?.includes(i)))
        results.push({ layer: chain.length - 1, createdMs })
      else chains.push({ layers: chain.map(number => positionsOf[number]?.[0] ?? 0), createdMs })
    }
    return { ...record, results, chains }
  })
  return marshalCacheRecords(records)
}

function chainOf(config: CacheConfig, top: number): readonly number[] {
  const chain: number[] = []
  for (let layer = top; layer !== -1; layer = config.layers[layer]?.parent ?? -1) chain.unshift(layer)
  return chain
}
