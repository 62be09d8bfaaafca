import { type CacheKey, resultIds, rootKeyId } from './cache-key.ts'
import type { KeyStore } from './key-store.ts'
import type { Result } from './result.ts'
import type { CacheSource } from './solver-shared.ts'

/** A link of an exported record to a record of one of its inputs. */
export interface RecordLink<R> {
  readonly record: R
  readonly selector: string
}

/** What takes exported records: they become the text of a cache. */
export interface RecordTarget<R, L> {
  /**
   * Adds a record, or finds the one that all links lead to. `inputs` has at least one link for each input. `result`: the
   * layers that were made, lowest first.
   */
  add(
    digest: string,
    inputs: readonly (readonly RecordLink<R>[])[],
    result?: { readonly layers: readonly L[]; readonly createdMs: number },
  ): R
}

/** How records are exported. */
export interface CacheExportOptions<L> {
  readonly sources: readonly CacheSource[]
  /** Layers of a result; where `make` is false only those that have their blobs already (undefined: they have not). */
  readonly layers: (result: Result, make: boolean) => Promise<readonly L[] | undefined>
  /** `max`: results of all steps; `min`: those of the last one and what came along with it. */
  readonly mode: 'min' | 'max'
}

type Making = 'max' | 'min' | 'none'

/**
 * Hands the records below some keys to `target`: what each step was made from, by every key that is known, and the layers
 * it made. Model: https://github.com/moby/buildkit/blob/v0.32.2/solver/exporter.go
 */
export async function exportCache<R, L>(
  keys: readonly CacheKey[],
  target: RecordTarget<R, L>,
  options: CacheExportOptions<L>,
): Promise<void> {
  const walk = new ExportWalk(target, options)
  for (const key of keys) await walk.export(key, options.mode)
}

class ExportWalk<R, L> {
  readonly #target: RecordTarget<R, L>
  readonly #options: CacheExportOptions<L>
  readonly #done = new Map<CacheKey, readonly R[]>()
  readonly #back = new Map<KeyStore, Map<string, readonly R[]>>()

  constructor(target: RecordTarget<R, L>, options: CacheExportOptions<L>) {
    this.#target = target
    this.#options = options
  }

  async export(key: CacheKey, making: Making): Promise<readonly R[]> {
    const known = this.#done.get(key)
    if (known) return known
    this.#done.set(key, [])
    if (key.digest.startsWith('random:')) return []
    const isRoot = key.inputs.length === 0
    const result = isRoot ? undefined : await this.#result(key, making)
    const below: Making = result !== undefined && making === 'min' ? 'none' : making
    const inputs: RecordLink<R>[][] = []
    for (const alternatives of key.inputs) {
      const links: RecordLink<R>[] = []
      for (const { key: input, selector } of alternatives) {
        for (const record of await this.export(input, below)) links.push({ record, selector })
      }
      inputs.push(links)
    }
    for (const { keys } of this.#options.sources)
      for (const id of resultIds(key, keys)) this.#ancestors(keys, id)
    if (inputs.some(links => links.length === 0)) return []
    const record = this.#target.add(rootKeyId(key.digest, key.output), inputs, result)
    this.#done.set(key, [record])
    return [record]
  }

  /** The newest result of a key whose layers can be had. */
  async #result(
    key: CacheKey,
    making: Making,
  ): Promise<{ layers: readonly L[]; createdMs: number } | undefined> {
    for (const source of this.#options.sources) {
      const records = resultIds(key, source.keys).flatMap(id => source.keys.records(id))
      for (const { saved, createdMs } of records.toSorted((a, b) => b.createdMs - a.createdMs)) {
        const loaded = await source.results.load(saved)
        const layers = loaded && (await this.#options.layers(loaded, making !== 'none'))
        if (layers !== undefined && layers.length > 0) return { layers, createdMs }
      }
    }
    return undefined
  }

  /** Records of everything that has led to `id` before, so that other ways to the same result are found as well. */
  #ancestors(store: KeyStore, id: string): readonly R[] {
    const seen = this.#back.get(store) ?? new Map<string, readonly R[]>()
    this.#back.set(store, seen)
    const known = seen.get(id)
    if (known) return known
    seen.set(id, [])
    const byDigest = new Map<string, RecordLink<R>[][]>()
    const links = store.backlinks(id)
    for (const { source, input, record, selector } of links) {
      const inputs = byDigest.get(record) ?? []
      byDigest.set(record, inputs)
      while (inputs.length <= input) inputs.push([])
      inputs[input]?.push(...this.#ancestors(store, source).map(found => ({ record: found, selector })))
    }
    const records: R[] = []
    if (links.length === 0 && id.startsWith('sha256:')) records.push(this.#target.add(id, []))
    for (const [digest, inputs] of byDigest) {
      if (inputs.every(alternatives => alternatives.length > 0))
        records.push(this.#target.add(digest, inputs))
    }
    seen.set(id, records)
    return records
  }
}
