/** One step from the key of an input to the key of what was made from it. */
export interface KeyLink {
  readonly input: number
  readonly output: number
  /** Digest of the op (`CacheMap.digest`). */
  readonly digest: string
  readonly selector: string
}

/** A link seen from where it leads to. */
export interface Backlink {
  /** The id that it comes from. */
  readonly source: string
  readonly input: number
  readonly selector: string
  /** Digest of op and output together, as a key without inputs has it for its id. */
  readonly record: string
}

/** A result kept under a key. `saved` is the text of `ResultStore`. */
export interface KeyRecord {
  readonly saved: string
  /** Milliseconds since 1970. */
  readonly createdMs: number
}

/**
 * Cache keys: a graph of ids joined by links, with results at some of them. Persistent in the state directory, in memory,
 * or read from an imported cache. All methods are synchronous and quick.
 * Source of the model: https://github.com/moby/buildkit/blob/v0.32.2/solver/cachestorage.go
 */
export interface KeyStore {
  readonly name: string
  /** Ids that `link` leads to from `id`. */
  targets(id: string, link: KeyLink): readonly string[]
  /** Whether anything was ever recorded under `id`. */
  exists(id: string): boolean
  addLink(id: string, link: KeyLink, target: string): void
  /** The links that lead to `id`. */
  backlinks(id: string): readonly Backlink[]
  records(id: string): readonly KeyRecord[]
  addRecord(id: string, record: KeyRecord): void
  removeRecord(id: string, saved: string): void
  /** Runs `work` as one unit, also with regard to other processes. */
  transaction<T>(work: () => T): T
}
