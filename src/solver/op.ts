import type { VertexProgress } from './vertex-progress.ts'
import type { Result } from './result.ts'

/** Cache key of one input of an op, besides the input's own keys. */
export interface CacheMapInput {
  /** Digest of the part of the input that is used; part of the definition key. Empty for all of it. */
  readonly selector: string
  /** Digest of what the used part of the input contains, where content decides. */
  readonly contentKey?: (input: Result, ctx: OpContext) => Promise<string>
  /** Whether the content may change as long as the op does not work (a directory that is read in place). */
  readonly isLive?: (input: Result) => boolean
}

/** Ingredients of an op's cache keys. */
export interface CacheMap {
  /** Digest of what the op does. The prefix `random:` marks a key that is good for this build only. */
  readonly digest: string
  readonly inputs: readonly CacheMapInput[]
  /** The same facts in words, kept with the key so that a miss can be explained. */
  readonly ingredients?: Readonly<Record<string, string>>
}

/** What an op may use while it works. */
export interface OpContext {
  /** Aborted when nobody waits for the vertex any more. */
  readonly signal: AbortSignal
  readonly progress: VertexProgress
  /** The vertex as users see it. */
  readonly name: string
  /** Sessions of the clients whose builds contain the vertex, the latest last. */
  sessions(): readonly string[]
}

/**
 * The work of one vertex. Throws typed errors; the solver adds which vertex it was.
 */
export interface Op {
  /**
   * The op's cache maps: one for most; a source may offer several, each an alternative key for the same content, the
   * cheapest to know first.
   */
  cacheMaps(ctx: OpContext): Promise<readonly CacheMap[]>
  /** Brings inputs that are not on this machine yet, before the vertex is shown as working. */
  prepare?(inputs: readonly Result[], ctx: OpContext): Promise<void>
  /** One result per output. */
  exec(inputs: readonly Result[], ctx: OpContext): Promise<readonly Result[]>
  /**
   * What identifies the content from outside that the op brings (a digest, a commit), for who asks where a result came
   * from. Known once the cache maps are; undefined for ops that bring nothing.
   */
  pin?(): string | undefined
  /** What it saw of the outside while it worked, for who asks the same; undefined where it did not work, or does not look. */
  seen?(): unknown
  /**
   * The content key of an input as `exec` took it, where it had changed since it was computed: what was made belongs to
   * this one. Undefined where it had not.
   */
  taken?(input: number): string | undefined
  /** Whether its results are here already, so that `exec` has nothing to do. Known once the cache maps are. */
  isHere?(): boolean
  /** Where false, the work is not counted against the limit of parallel work (sources that only wait for others). */
  readonly limited?: boolean
}

/** Turns a vertex into its op. */
export type ResolveOp = (vertexBody: unknown, digest: string) => Op
