import { listWorkers, type Worker } from '../buildkit/client/daemon.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import {
  type Assignment,
  type Candidate,
  choosePlatformNodes,
  fixedDecide,
  groupChoices,
  noNodeWarning,
} from './assign-platforms.ts'
import { bootNode, withPrefix } from './boot-nodes.ts'
import type { Builder, BuilderNode } from './builder.ts'

/** Which node builds what, and who may take over. */
export interface ResolvedNodes {
  readonly nodes: readonly BuilderNode[]
  readonly assignments: readonly Assignment[]
  /** Nodes able to build a platform, other than those in `lost`, best first; starts what is needed for the answer. */
  takeOver(platform: Platform, lost: ReadonlySet<number>): Promise<number | undefined>
}

/** What the choice goes by. */
export interface ResolveNodesOptions {
  /** Empty: the first node's own. */
  readonly platforms: readonly Platform[]
  readonly write: StatusWriter
  /** Tells the user something, one line. */
  readonly warn?: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Starts the nodes that are needed and gives every platform to one. Nodes that cannot be used leave the choice to the
 * others; two nodes that are the same daemon count as one. A platform that no node has goes to the first one, with a
 * warning: it can be made there by programs of other platforms. Throws where no node is left.
 */
export async function resolveNodes(builder: Builder, options: ResolveNodesOptions): Promise<ResolvedNodes> {
  if (builder.error !== undefined) throw builder.error
  const nodes = builder.nodes.filter(node => node.driver !== undefined && node.error === undefined)
  if (nodes.length === 0) {
    throw (
      builder.nodes.find(node => node.error !== undefined)?.error ??
      new SlipwayError('not-found', 'no drivers found')
    )
  }
  const pool = new NodePool(nodes, options)
  const assignments = await pool.assign(options.platforms)
  return { nodes, assignments, takeOver: (platform, lost) => pool.takeOver(platform, lost) }
}

class NodePool {
  readonly #nodes: readonly BuilderNode[]
  readonly #options: ResolveNodesOptions
  readonly #booted = new Map<number, Promise<readonly Worker[]>>()

  constructor(nodes: readonly BuilderNode[], options: ResolveNodesOptions) {
    this.#nodes = nodes
    this.#options = options
  }

  async assign(platforms: readonly Platform[]): Promise<readonly Assignment[]> {
    const unasked = this.#nodes.map((_, i) => this.#candidate(i, undefined))
    if (platforms.length === 0 || this.#nodes.length === 1) {
      await this.#boot(0)
      return [{ node: 0, platforms }]
    }
    if (fixedDecide(unasked, platforms)) {
      const choices = choosePlatformNodes(unasked, platforms)
      try {
        const chosen = [...new Set(choices.map(choice => choice.nodes[0] ?? 0))]
        const first = await this.#firstOfDaemon(chosen)
        return groupChoices(
          choices.map(({ platform, nodes: [node = 0] }) => ({ platform, node: first(node) })),
        )
      } catch (error) {
        if (this.#options.signal.aborted) throw error
        // A node that was meant for a platform does not start: perhaps another one is able.
      }
    }
    const { candidates, indexes } = await this.#bootAll(new Set())
    const choices = choosePlatformNodes(candidates, platforms)
    for (const { platform, nodes } of choices) {
      if (nodes.length > 0) continue
      this.#options.warn?.(noNodeWarning(candidates, platform, candidates[0]?.name ?? ''))
    }
    return groupChoices(
      choices.map(({ platform, nodes: [node = 0] }) => ({ platform, node: indexes[node] ?? 0 })),
    )
  }

  /** Starts nodes; of those that are the same daemon the first stands for all. */
  async #firstOfDaemon(nodes: readonly number[]): Promise<(node: number) => number> {
    const workers = await Promise.all(nodes.map(node => this.#boot(node)))
    const daemons = new Map<string, number>()
    const first = new Map<number, number>()
    for (const [i, node] of nodes.entries()) {
      const id = workers[i]?.[0]?.id || `node ${node}`
      if (!daemons.has(id)) daemons.set(id, node)
      first.set(node, daemons.get(id) ?? node)
    }
    return node => first.get(node) ?? node
  }

  async takeOver(platform: Platform, lost: ReadonlySet<number>): Promise<number | undefined> {
    if (lost.size >= this.#nodes.length) return undefined
    try {
      const { candidates, indexes } = await this.#bootAll(lost)
      const able = choosePlatformNodes(candidates, [platform])[0]?.nodes[0]
      return able === undefined ? undefined : indexes[able]
    } catch (error) {
      if (this.#options.signal.aborted) throw error
      return undefined
    }
  }

  /** Starts all nodes but the lost ones; those that fail, or are a daemon that another node is too, are left out. */
  async #bootAll(
    lost: ReadonlySet<number>,
  ): Promise<{ readonly candidates: readonly Candidate[]; readonly indexes: readonly number[] }> {
    const all = this.#nodes.map((_, i) => i).filter(i => !lost.has(i))
    const results = await Promise.allSettled(all.map(node => this.#boot(node)))
    const candidates: Candidate[] = []
    const indexes: number[] = []
    const daemons = new Map<string, number>()
    for (const [i, result] of results.entries()) {
      const index = all[i] ?? 0
      if (result.status === 'rejected') continue
      const [worker] = result.value
      const twin = worker === undefined || worker.id === '' ? undefined : daemons.get(worker.id)
      if (twin !== undefined) {
        const place = indexes.indexOf(twin)
        const first = candidates[place]
        const own = this.#candidate(index, undefined)
        if (first !== undefined) candidates[place] = { ...first, fixed: [...first.fixed, ...own.fixed] }
        continue
      }
      if (worker !== undefined) daemons.set(worker.id, index)
      candidates.push(
        this.#candidate(
          index,
          result.value.flatMap(one => one.platforms),
        ),
      )
      indexes.push(index)
    }
    this.#options.signal.throwIfAborted()
    if (candidates.length === 0) throw firstFailure(results)
    return { candidates, indexes }
  }

  #candidate(index: number, found: readonly Platform[] | undefined): Candidate {
    const node = this.#nodes[index]
    return { name: node?.name ?? '', fixed: node?.platforms ?? [], found }
  }

  #boot(index: number): Promise<readonly Worker[]> {
    let booted = this.#booted.get(index)
    if (booted === undefined) {
      booted = this.#start(index)
      this.#booted.set(index, booted)
    }
    return booted
  }

  async #start(index: number): Promise<readonly Worker[]> {
    const node = this.#nodes[index]
    const driver = node?.driver
    if (node === undefined || driver === undefined) throw new SlipwayError('not-found', 'no drivers found')
    const { write, signal } = this.#options
    await bootNode(node, this.#nodes.length > 1 ? withPrefix(node.name, write) : write, signal)
    if (this.#nodes.length === 1) return []
    await using connection = await driver.dial(signal)
    return await listWorkers(connection, signal)
  }
}

function firstFailure(results: readonly PromiseSettledResult<unknown>[]): SlipwayError {
  const failed = results.find(result => result.status === 'rejected')
  return failed === undefined
    ? new SlipwayError('not-found', 'no drivers found')
    : asSlipwayError(failed.reason)
}
