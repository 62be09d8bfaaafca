import type { Digest } from '../../oci/digest.ts'
import type { CacheConfig, ConfigLayer, ConfigRecord } from './cache-config.ts'
import type { CacheGraph, CacheItem } from './cache-graph.ts'
import type { CachedLayer } from './cached-layer.ts'

/** A cache's description and the blobs it speaks of. */
export interface MarshaledCache {
  readonly config: CacheConfig
  /** In the order of the description's layers; those that appear above several others are listed once for each. */
  readonly layers: readonly CachedLayer[]
}

/**
 * Describes the gathered records. The order of everything depends on the content alone, so that equal caches have equal
 * digests. Results with a layer that is `lost` are left out; their records stay.
 */
export function marshalGraph(graph: CacheGraph, lost: ReadonlySet<Digest> = new Set()): MarshaledCache {
  const chains = new ChainTable()
  const items = graph.items()
  const tops = new Map<CacheItem, { readonly top: number; readonly createdMs: number }>()
  for (const item of items) {
    const best = item.best(lost)
    if (best === undefined || best.layers.length === 0) continue
    tops.set(item, { top: chains.add(best.layers), createdMs: best.createdMs })
  }
  const layers = chains.sorted()
  const order = sortItems(items)
  const numbers = new Map(order.map((item, i) => [item, i]))
  const records = order.map((item): ConfigRecord => {
    const made = tops.get(item)
    return {
      digest: item.digest,
      inputs: item.inputs.map(links =>
        [...links.values()]
          .map(({ record, selector }) => ({ selector, link: numbers.get(record) ?? 0 }))
          .toSorted((a, b) => a.link - b.link || compare(a.selector, b.selector)),
      ),
      results: made === undefined ? [] : [{ layer: layers.numberOf(made.top), createdMs: made.createdMs }],
      chains: [],
    }
  })
  return { config: { layers: layers.config, records }, layers: layers.layers }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** By digest, then by what they are made from. */
function sortItems(items: readonly CacheItem[]): readonly CacheItem[] {
  const texts = new Map<CacheItem, string>()
  for (const item of items) {
    const inputs = item.inputs.map(links =>
      [...links.values()]
        .map(({ record, selector }) => `${selector}:${record.digest}`)
        .toSorted(compare)
        .join(','),
    )
    texts.set(item, `${item.digest}(${inputs.join(';')})`)
  }
  return items.toSorted((a, b) => compare(texts.get(a) ?? '', texts.get(b) ?? ''))
}

/** Layers with what is below them; each pair of a blob and the chain below it once. */
class ChainTable {
  readonly #entries: { readonly layer: CachedLayer; readonly parent: number }[] = []
  readonly #known = new Map<string, number>()

  /** The number of the topmost layer. */
  add(layers: readonly CachedLayer[]): number {
    let parent = -1
    for (const layer of layers) {
      const key = `${layer.descriptor.digest}/${parent}`
      const known = this.#known.get(key) ?? this.#entries.push({ layer, parent }) - 1
      this.#known.set(key, known)
      parent = known
    }
    return parent
  }

  sorted(): {
    readonly config: readonly ConfigLayer[]
    readonly layers: readonly CachedLayer[]
    numberOf(entry: number): number
  } {
    const digests = (entry: number): readonly Digest[] => {
      const one = this.#entries[entry]
      return one === undefined ? [] : [...digests(one.parent), one.layer.descriptor.digest]
    }
    const order = [...this.#entries.keys()].toSorted((a, b) => {
      const [left, right] = [digests(a), digests(b)]
      return compare(left.at(-1) ?? '', right.at(-1) ?? '') || compare(left.join(), right.join())
    })
    const numbers = new Map(order.map((entry, i) => [entry, i]))
    const entries = order.flatMap(entry => this.#entries[entry] ?? [])
    const numberOf = (entry: number): number => (entry === -1 ? -1 : (numbers.get(entry) ?? -1))
    return {
      config: entries.map(({ layer, parent }) => ({
        blob: layer.descriptor.digest,
        parent: numberOf(parent),
      })),
      layers: entries.map(({ layer }) => layer),
      numberOf,
    }
  }
}
