import { createHash, randomBytes } from 'node:crypto'
import type { KeyLink, KeyStore } from './key-store.ts'

/** A key of an input together with which part of the input counts. */
export interface SelectedKey {
  readonly key: CacheKey
  readonly selector: string
}

/**
 * The cache key of one output of an op: what the op does and, for each input, every key that the input is known by.
 * A key without inputs is found by its own id; any other by links from the keys of all its inputs.
 */
export interface CacheKey {
  readonly digest: string
  readonly output: number
  readonly inputs: readonly (readonly SelectedKey[])[]
  /** Ids under which each store knows the key. */
  readonly ids: Map<KeyStore, Set<string>>
  /** Stores that have the key with all that leads to it. */
  readonly persisted: Set<KeyStore>
  /** What `keyIdentity` answered: it is asked for again by everything made from this. */
  identity: string | undefined
}

/** Id of a key that has no inputs, the same in every store. Random keys stay recognisable. */
export function rootKeyId(digest: string, output: number): string {
  const id = createHash('sha256').update(`${digest}@${output}`).digest('hex')
  return digest.startsWith('random:') ? `random:${id}` : `sha256:${id}`
}

/** A key that no store knows yet. */
export function newCacheKey(digest: string, output: number, inputs: CacheKey['inputs'] = []): CacheKey {
  return { digest, output, inputs, ids: new Map(), persisted: new Set(), identity: undefined }
}

/** Key of an input's content. Output -1 tells it from the keys of ops. */
export function contentCacheKey(digest: string): CacheKey {
  return newCacheKey(digest, -1)
}

const isRoot = (key: CacheKey): boolean => key.inputs.length === 0

/** Ids of a key in a store, without looking for more. */
function knownIds(key: CacheKey, store: KeyStore): ReadonlySet<string> {
  return isRoot(key) ? new Set([rootKeyId(key.digest, key.output)]) : (key.ids.get(store) ?? new Set())
}

function linkOf(key: CacheKey, input: number, selector: string): KeyLink {
  return { input, output: key.output, digest: key.digest, selector }
}

/**
 * Finds the ids that every input of `key` leads to and remembers them in the key. Where the alternatives of an input are
 * not all linked yet (a definition key beside the content key that matched), the missing links are added, so that the
 * next search needs fewer of them. True where anything was found.
 */
export function findIds(key: CacheKey, store: KeyStore): boolean {
  if (isRoot(key)) return store.exists(rootKeyId(key.digest, key.output))
  let common: Set<string> | undefined
  for (const [input, alternatives] of key.inputs.entries()) {
    const found = new Set<string>()
    for (const { key: dep, selector } of alternatives) {
      for (const id of knownIds(dep, store))
        for (const target of store.targets(id, linkOf(key, input, selector))) found.add(target)
    }
    common = common === undefined ? found : common.intersection(found)
    if (common.size === 0) return false
  }
  if (common === undefined || common.size === 0) return false
  const known = key.ids.get(store) ?? new Set<string>()
  key.ids.set(store, known)
  for (const id of common) known.add(id)
  linkAlternatives(key, store, common)
  return true
}

function linkAlternatives(key: CacheKey, store: KeyStore, targets: ReadonlySet<string>): void {
  const missing: [string, KeyLink, string][] = []
  for (const [input, alternatives] of key.inputs.entries()) {
    for (const { key: dep, selector } of alternatives) {
      if (dep.digest.startsWith('random:')) continue
      const link = linkOf(key, input, selector)
      for (const id of knownIds(dep, store)) {
        const have = new Set(store.targets(id, link))
        for (const target of targets) if (!have.has(target)) missing.push([id, link, target])
      }
    }
  }
  if (missing.length > 0)
    store.transaction(() => {
      for (const [id, link, target] of missing) store.addLink(id, link, target)
    })
}

/** The id of `key` in `store`, made (with all that leads to it) where it is not there yet. */
export function persistKey(key: CacheKey, store: KeyStore): string {
  if (isRoot(key)) return rootKeyId(key.digest, key.output)
  const known = key.ids.get(store) ?? new Set<string>()
  key.ids.set(store, known)
  if (known.size === 0) findIds(key, store)
  const [first] = known
  // Its inputs do not change, and others lead to it on many ways: once is enough.
  if (first !== undefined && key.persisted.has(store)) return first
  key.persisted.add(store)
  const id = first ?? randomBytes(16).toString('hex')
  known.add(id)
  for (const [input, alternatives] of key.inputs.entries()) {
    for (const { key: dep, selector } of alternatives) {
      if (dep.digest.startsWith('random:')) continue
      const link = linkOf(key, input, selector)
      const from = persistKey(dep, store)
      if (!store.targets(from, link).includes(id)) store.addLink(from, link, id)
    }
  }
  return id
}

/** Ids under which `store` may have results of `key`. */
export function resultIds(key: CacheKey, store: KeyStore): readonly string[] {
  return [...knownIds(key, store)]
}

/** What makes two pieces of work the same: op, output, and the strongest key of each input. Of one length always. */
export function keyIdentity(key: CacheKey): string {
  if (isRoot(key)) return `${key.digest}@${key.output}`
  if (key.identity !== undefined) return key.identity
  const inputs = key.inputs.map(alternatives => {
    const content = alternatives.find(({ key: dep }) => dep.output === -1)
    const best = content ?? alternatives[0]
    return best === undefined ? '' : `${best.selector}:${keyIdentity(best.key)}`
  })
  const text = `${key.digest}@${key.output}(${inputs.join(',')})`
  key.identity = createHash('sha256').update(text).digest('hex')
  return key.identity
}
