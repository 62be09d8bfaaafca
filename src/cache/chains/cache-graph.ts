import type { Digest } from '../../oci/digest.ts'
import type { RecordLink, RecordTarget } from '../../solver/export-cache.ts'
import type { CachedLayer } from './cached-layer.ts'

/** The layers that a step made, lowest first. */
export interface CachedResult {
  readonly layers: readonly CachedLayer[]
  /** Milliseconds since 1970. */
  readonly createdMs: number
}

/** One record of a cache: a step by what it does and what it was made from. */
export class CacheItem {
  readonly digest: string
  /** For each input, the records that it may be. */
  readonly inputs: Map<string, RecordLink<CacheItem>>[] = []
  readonly children = new Map<string, Set<CacheItem>>()
  readonly results: CachedResult[] = []
  readonly number: number

  constructor(digest: string, number: number) {
    this.digest = digest
    this.number = number
  }

  /** The result to export: the newest that has none of the `lost` layers. */
  best(lost: ReadonlySet<Digest>): CachedResult | undefined {
    const whole = this.results.filter(one => !one.layers.some(layer => lost.has(layer.descriptor.digest)))
    return whole.toSorted((a, b) => b.createdMs - a.createdMs)[0]
  }
}

const linkText = (digest: string, input: number, selector: string): string => `${input}/${selector}/${digest}`

/**
 * Records that are being gathered. Records with the same digest that share a way for every input are one.
 * Model: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/v1/chains.go
 */
export class CacheGraph implements RecordTarget<CacheItem, CachedLayer> {
  readonly #roots = new Map<string, CacheItem>()
  readonly #items: CacheItem[] = []

  /** All records, each after those that it is made from. */
  items(): readonly CacheItem[] {
    const order: CacheItem[] = []
    const seen = new Set<CacheItem>()
    const visit = (item: CacheItem): void => {
      if (seen.has(item)) return
      seen.add(item)
      for (const links of item.inputs) for (const link of links.values()) visit(link.record)
      order.push(item)
    }
    for (const item of this.#items) visit(item)
    return order
  }

  add(
    digest: string,
    inputs: readonly (readonly RecordLink<CacheItem>[])[],
    result?: CachedResult,
  ): CacheItem {
    const item = this.#find(digest, inputs) ?? this.#create(digest, inputs.length === 0)
    if (result !== undefined) addResult(item, result)
    const below = inputs.length === 0 ? new Set<CacheItem>() : descendants(item)
    for (const [i, links] of inputs.entries())
      for (const link of links) if (!below.has(link.record)) connect(item, i, link)
    return item
  }

  #find(digest: string, inputs: readonly (readonly RecordLink<CacheItem>[])[]): CacheItem | undefined {
    if (inputs.length === 0) return this.#roots.get(digest)
    let common: Set<CacheItem> | undefined
    for (const [i, links] of inputs.entries()) {
      const found = new Set<CacheItem>()
      for (const { record, selector } of links)
        for (const child of record.children.get(linkText(digest, i, selector)) ?? []) found.add(child)
      common = common === undefined ? found : common.intersection(found)
    }
    return [...(common ?? [])].toSorted((a, b) => a.number - b.number)[0]
  }

  #create(digest: string, isRoot: boolean): CacheItem {
    const item = new CacheItem(digest, this.#items.length)
    this.#items.push(item)
    if (isRoot) this.#roots.set(digest, item)
    return item
  }
}

function connect(item: CacheItem, input: number, link: RecordLink<CacheItem>): void {
  while (item.inputs.length <= input) item.inputs.push(new Map())
  item.inputs[input]?.set(`${link.record.number}/${link.selector}`, link)
  const text = linkText(item.digest, input, link.selector)
  const children = link.record.children.get(text) ?? new Set()
  link.record.children.set(text, children)
  children.add(item)
}

/** The item and all that was made from it: linking to one of them would make a circle. */
function descendants(item: CacheItem): ReadonlySet<CacheItem> {
  const found = new Set<CacheItem>([item])
  for (const one of found)
    for (const children of one.children.values()) for (const child of children) found.add(child)
  return found
}

function addResult(item: CacheItem, result: CachedResult): void {
  const text = (one: CachedResult): string =>
    `${one.createdMs} ${one.layers.map(layer => layer.descriptor.digest).join(' ')}`
  if (!item.results.some(known => text(known) === text(result))) item.results.push(result)
}
