import { resultOf } from '../../ops/ref-result.ts'
import type { RefLayer } from '../../snapshot/ref.ts'
import { rootKeyId } from '../../solver/cache-key.ts'
import type { Backlink, KeyLink, KeyStore } from '../../solver/key-store.ts'
import { createMemoryKeyStore } from '../../solver/memory-key-store.ts'
import type { CacheSource } from '../../solver/solver-shared.ts'
import type { VertexProgress } from '../../solver/vertex-progress.ts'
import type { CacheGraph, CacheItem } from './cache-graph.ts'
import type { CachedLayer } from './cached-layer.ts'

/** Layers of a result as a tree takes them; transfers show at `progress`. */
export type LazyOf = (
  layers: readonly CachedLayer[],
  progress: VertexProgress | undefined,
) => readonly RefLayer[]

/** Imported records as a place where the solver looks. Links are found by the digest of the record they lead to. */
export function graphSource(name: string, graph: CacheGraph, lazyOf: LazyOf): CacheSource {
  const keys = recordKeys(name)
  const results = new Map<string, readonly CachedLayer[]>()
  const items = graph.items()
  const ids = new Map(items.map(item => [item, idOf(item)]))
  const id = (item: CacheItem): string => ids.get(item) ?? ''
  for (const item of items) {
    for (const [input, links] of item.inputs.entries()) {
      for (const { record, selector } of links.values()) {
        keys.link(id(record), { input, output: 0, digest: item.digest, selector }, id(item))
      }
    }
    for (const { layers, createdMs } of item.results) {
      const saved = layers.map(layer => layer.descriptor.digest).join(',')
      results.set(saved, layers)
      keys.addRecord(id(item), { saved, createdMs })
    }
  }
  return {
    keys,
    results: {
      save: async () => undefined,
      exists: saved => results.has(saved),
      async load(saved, progress) {
        const layers = results.get(saved)
        return layers && resultOf({ kind: 'stack', layers: lazyOf(layers, progress) })
      },
    },
  }
}

const idOf = (item: CacheItem): string => (item.inputs.length === 0 ? item.digest : `import:${item.number}`)

/** A key store whose links are known by the digest of the record that they lead to, not by op and output. */
function recordKeys(name: string): KeyStore & { link(id: string, link: KeyLink, target: string): void } {
  const store = createMemoryKeyStore(name)
  const back = new Map<string, Backlink[]>()
  const translate = ({ input, selector, digest, output }: KeyLink): KeyLink => ({
    input,
    selector,
    digest: rootKeyId(digest, output),
    output: 0,
  })
  return {
    ...store,
    targets: (id, link) => store.targets(id, translate(link)),
    addLink: (id, link, target) => store.addLink(id, translate(link), target),
    backlinks: id => back.get(id) ?? [],
    link(id, link, target) {
      store.addLink(id, link, target)
      const { input, selector, digest } = link
      back.set(target, [...(back.get(target) ?? []), { source: id, input, selector, record: digest }])
    },
  }
}
