import {
  type CacheKey,
  contentCacheKey,
  findIds,
  keyIdentity,
  newCacheKey,
  persistKey,
  resultIds,
  type SelectedKey,
} from './cache-key.ts'
import type { KeyRecord } from './key-store.ts'
import { memo } from './memo.ts'
import type { CacheMap } from './op.ts'
import type { Result } from './result.ts'
import type { CacheSource, SolverShared } from './solver-shared.ts'
import type { VertexState } from './vertex-state.ts'

interface Found {
  readonly source: CacheSource
  readonly id: string
  readonly record: KeyRecord
}

/**
 * One output of a vertex. First its keys are looked for (by definition, then by the content of inputs, never running
 * more than the content keys need); only when the result itself is wanted is it loaded from a cache or made.
 */
export class EdgeState {
  readonly state: VertexState
  readonly index: number
  readonly #shared: SolverShared
  /** Content keys of inputs, known so far. */
  readonly #content = new Map<number, CacheKey>()
  /** Keys that consumers may search with: those that were found, or made. */
  #keys: readonly CacheKey[] = []
  #solved: Result | undefined
  readonly #lookUp: () => Promise<void>
  readonly #solve: () => Promise<Result>

  constructor(state: VertexState, index: number, shared: SolverShared) {
    this.state = state
    this.index = index
    this.#shared = shared
    this.#lookUp = memo(() => this.#find())
    this.#solve = memo(() => this.#obtain())
  }

  /** Keys by which consumers may look for their own results; empty where nothing is known of this edge. */
  async keys(): Promise<readonly CacheKey[]> {
    await this.#lookUp()
    return this.state.vertex.ignoreCache ? [] : this.#keys
  }

  /** Keys under which consumers keep their results. */
  get solvedKeys(): readonly CacheKey[] {
    return this.#keys
  }

  async result(): Promise<Result> {
    const result = await this.#solve()
    this.#solved = result
    return result
  }

  /** The result as far as it is there: solved, or in the main cache. */
  async peek(): Promise<Result | undefined> {
    if (this.#solved !== undefined) return this.#solved
    for (const { source, record } of this.#records()) {
      const result = source === this.#shared.main ? await source.results.load(record.saved) : undefined
      if (result !== undefined) return result
    }
    return undefined
  }

  async #find(): Promise<void> {
    const { vertex } = this.state
    const maps = await this.state.cacheMaps()
    if (vertex.inputs.length === 0) {
      this.#keys = maps.map(map => newCacheKey(map.digest, this.index))
      if (!vertex.ignoreCache && this.#firstRecord()) this.state.reporter.cached()
      return
    }
    const map = onlyMap(maps)
    const inputs = this.state.inputs()
    const inputKeys = await this.#shared.all(inputs.map(input => input.keys()))
    if (vertex.ignoreCache) return
    if (this.#search(map, inputKeys)) return
    const hopeless = map.inputs.some(
      (input, i) => input.contentKey === undefined && inputKeys[i]?.length === 0,
    )
    if (hopeless) return
    await this.#addContentKeys(map)
    this.#search(map, await this.#shared.all(inputs.map(input => input.keys())))
  }

  /** Looks for the key in every cache; true where one knows it. */
  #search(map: CacheMap, inputKeys: readonly (readonly CacheKey[])[]): boolean {
    const key = this.#keyOf(map, inputKeys)
    if (key.inputs.some(alternatives => alternatives.length === 0)) return false
    let found = false
    for (const source of this.#shared.sources(this.state.vertex)) if (findIds(key, source.keys)) found = true
    if (!found) return false
    this.#keys = [key]
    if (this.#firstRecord()) this.state.reporter.cached()
    return true
  }

  #keyOf(map: CacheMap, inputKeys: readonly (readonly CacheKey[])[]): CacheKey {
    const inputs = inputKeys.map((keys, i): SelectedKey[] => {
      const selector = map.inputs[i]?.selector ?? ''
      const content = this.#content.get(i)
      return [
        ...keys.map(key => ({ key, selector })),
        ...(content === undefined ? [] : [{ key: content, selector: '' }]),
      ]
    })
    return newCacheKey(map.digest, this.index, inputs)
  }

  async #addContentKeys(map: CacheMap): Promise<void> {
    const inputs = this.state.inputs()
    const work = map.inputs.map(async (input, i) => {
      if (input.contentKey === undefined || this.#content.has(i)) return
      const result = await inputs[i]?.result()
      if (result === undefined) return
      const { contentKey } = input
      const compute = () => contentKey(result, this.state.context())
      const digest = await this.state.guard(compute, 'failed to compute cache key')
      this.#content.set(i, contentCacheKey(digest))
    })
    await this.#shared.all(work)
  }

  /** Results that caches have for the keys found, the main cache first and the newest first. */
  *#records(): Generator<Found> {
    for (const source of this.#shared.sources(this.state.vertex)) {
      const found: Found[] = []
      for (const key of this.#keys) {
        for (const id of resultIds(key, source.keys)) {
          for (const record of source.keys.records(id)) found.push({ source, id, record })
        }
      }
      yield* found.sort((a, b) => b.record.createdMs - a.record.createdMs)
    }
  }

  #firstRecord(): Found | undefined {
    for (const found of this.#records()) if (found.source.results.exists(found.record.saved)) return found
    return undefined
  }

  async #load(): Promise<Result | undefined> {
    for (const found of this.#records()) {
      const result = await found.source.results.load(found.record.saved, this.state.reporter)
      if (result === undefined) {
        found.source.keys.removeRecord(found.id, found.record.saved)
        continue
      }
      this.state.reporter.cached()
      if (found.source !== this.#shared.main) await this.#keep(result, this.#keys, found.record.createdMs)
      return result
    }
    return undefined
  }

  async #obtain(): Promise<Result> {
    await this.#lookUp()
    const { vertex } = this.state
    if (!vertex.ignoreCache) {
      const loaded = await this.#load()
      if (loaded) return loaded
    }
    if (vertex.inputs.length === 0) return this.#make(() => this.#keys)
    return this.#makeFromInputs()
  }

  async #makeFromInputs(): Promise<Result> {
    const { vertex } = this.state
    const map = onlyMap(await this.state.cacheMaps())
    const inputs = this.state.inputs()
    await this.#awaitInputs(map)
    const keyNow = (): CacheKey =>
      this.#keyOf(
        map,
        inputs.map(input => input.solvedKeys),
      )
    const key = keyNow()
    const keysAfter = (): readonly CacheKey[] => (this.#retake() ? [keyNow()] : [key])
    if (vertex.ignoreCache) return this.#make(keysAfter)
    const identity = keyIdentity(key)
    for (let other = this.#shared.running.get(identity); other; other = this.#shared.running.get(identity)) {
      await other.catch(() => undefined)
    }
    const made = this.#findOrMake(map, keysAfter)
    const settled = made.then(() => undefined)
    settled.catch(() => undefined)
    this.#shared.running.set(identity, settled)
    try {
      return await made
    } finally {
      this.#shared.running.delete(identity)
    }
  }

  /**
   * Waits for inputs, and computes the content of each as soon as it is there: a file that is missing fails before a long
   * step does its work. What may have changed while others were waited for is computed again.
   */
  async #awaitInputs(map: CacheMap): Promise<void> {
    const known = new Set(this.#content.keys())
    const inputs = this.state.inputs()
    let areHere = false
    const here = this.#shared.all(inputs.map(input => input.result())).then(results => {
      areHere = true
      return results
    })
    const computed = this.#addContentKeys(map).then(() => areHere)
    const [results, wereHere] = await this.#both(here, computed)
    if (wereHere) return
    for (const [i, input] of map.inputs.entries()) {
      const result = results[i]
      if (result !== undefined && !known.has(i) && input.isLive?.(result)) this.#content.delete(i)
    }
    await this.#addContentKeys(map)
  }

  /** As `all`, for two of different kinds. */
  async #both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
    await this.#shared.all<unknown>([first, second])
    return [await first, await second]
  }

  /** Now that the inputs are there, somebody else may have made the same of them. */
  async #findOrMake(map: CacheMap, keysAfter: () => readonly CacheKey[]): Promise<Result> {
    const searched = this.state
      .inputs()
      .map(input => (input.state.vertex.ignoreCache ? [] : input.solvedKeys))
    if (this.#search(map, searched)) {
      const loaded = await this.#load()
      if (loaded) return loaded
    }
    return this.#make(keysAfter)
  }

  /** Enters what the op says of inputs that changed before it took them; true where there are such. */
  #retake(): boolean {
    const { op, vertex } = this.state
    let any = false
    for (const i of vertex.inputs.keys()) {
      const digest = op.taken?.(i)
      if (digest === undefined) continue
      this.#content.set(i, contentCacheKey(digest))
      any = true
    }
    return any
  }

  /** `keysAfter`: the keys of what was made, known when it is. */
  async #make(keysAfter: () => readonly CacheKey[]): Promise<Result> {
    const results = await this.state.exec()
    const keys = keysAfter()
    const result = results[this.index]
    if (result === undefined)
      throw new TypeError(`vertex ${this.state.vertex.name} has no output ${this.index}`)
    this.#keys = keys
    await this.#keep(result, keys, this.#shared.now())
    return result
  }

  /** Enters a result into the main cache under its keys. */
  async #keep(result: Result, keys: readonly CacheKey[], createdMs: number): Promise<void> {
    const { keys: store, results: saver } = this.#shared.main
    const saved = await saver.save(result)
    store.transaction(() => {
      for (const key of keys) {
        if (key.digest.startsWith('random:')) continue
        const id = persistKey(key, store)
        if (saved !== undefined) store.addRecord(id, { saved, createdMs })
      }
    })
  }
}

function onlyMap(maps: readonly CacheMap[]): CacheMap {
  const [map] = maps
  if (map === undefined) throw new TypeError('an op without a cache map')
  return map
}
