import { createHash } from 'node:crypto'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { FileAction, FileOp as FileOpMessage } from '../proto/gen/ops_pb.ts'
import { type LocalRef, type Ref, scratch, type StackRef } from '../snapshot/ref.ts'
import type { ActiveLayer } from '../snapshot/snapshotter.ts'
import type { FileTree } from '../snapshot/tree.ts'
import type { CacheMap, Op, OpContext } from '../solver/op.ts'
import type { Result } from '../solver/result.ts'
import { bringInputs } from './bring-inputs.ts'
import { contentHash, emptyContentHash } from './content-hash.ts'
import { fileCacheMap } from './file-cache-map.ts'
import { type FailedTrees, withFailedTrees } from './failed-step.ts'
import { applyAction } from './file-action.ts'
import { isLive, LiveInputs } from './live-inputs.ts'
import { resolveOwner } from './owner.ts'
import { refOf } from './ref-result.ts'
import { unpackedRef } from './stack-trees.ts'
import type { Trees } from './trees.ts'

/** Something actions work on: a finished tree, or one that is being made. */
type Node =
  | { readonly kind: 'ref'; readonly ref: Ref }
  | { readonly kind: 'active'; readonly active: ActiveLayer; readonly base: StackRef }

/** Copies, makes and removes files without a container. */
export function createFileOp(message: FileOpMessage, inputCount: number, trees: Trees): Op {
  const live = new LiveInputs()
  return {
    cacheMaps: async () => [cacheMap(message, inputCount, trees, live)],
    prepare: (inputs, ctx) => bringInputs(inputs, trees, ctx.signal),
    exec: async (inputs, ctx) => {
      const refs = inputs.map(refOf)
      const work = async (sources: readonly Ref[]): Promise<readonly Result[]> => {
        await using run = new FileOpRun(message, sources, trees, ctx)
        return await run.outputs()
      }
      try {
        const results = await work(refs)
        if (!(await live.changed())) return results
      } catch (e) {
        // What changes meanwhile fails in many ways.
        if (ctx.signal.aborted || !(await live.changed())) throw e
      }
      ctx.signal.throwIfAborted()
      const copies = await live.settle(ref => copyOf(ref, trees, ctx.signal))
      return await work(refs.map((ref, index) => copies.get(index) ?? ref))
    },
    taken: index => live.taken(index),
  }
}

/** A copy of a live directory, the same for all who ask in one build. */
export async function copyOf(ref: LocalRef, trees: Trees, signal: AbortSignal): Promise<StackRef> {
  return unpackedRef(ref, await trees.stack(ref, signal))
}

function cacheMap(message: FileOpMessage, inputCount: number, trees: Trees, live: LiveInputs): CacheMap {
  const { digest, inputs } = fileCacheMap(message, inputCount)
  return {
    digest,
    inputs: inputs.map((input, index) =>
      input === undefined
        ? { selector: '' }
        : {
            selector: input.selector,
            isLive: (result: Result) => isLive(refOf(result)),
            contentKey: (result: Result, ctx: OpContext) => {
              const ref = refOf(result)
              return live.key(index, ref, one => contentKey(trees, one, input.content, ctx.signal))
            },
          },
    ),
  }
}

/** Content digest of the selected part of a ref. Throws with BuildKit's words where a path is missing. */
export async function contentKey(
  trees: Trees,
  ref: Ref,
  selectors: Parameters<typeof contentHash>[1],
  signal: AbortSignal,
): Promise<string> {
  using tree = await trees.view(ref, signal)
  try {
    if (ref.kind === 'stack' && ref.layers.length === 0) return emptyContentHash(selectors)
    return await contentHash(tree, selectors, { cache: trees.digestCache(ref), signal })
  } catch (e) {
    throw wrapError(`failed to calculate checksum of ref ${refName(ref)}`, e)
  }
}

/** A ref as messages name it, `owner::ref` with 25 letters and digits each: nothing of where it lies. */
function refName(ref: Ref): string {
  const parts =
    ref.kind === 'local'
      ? [ref.path, JSON.stringify(ref.filter)]
      : ref.layers.map(layer => (layer.kind === 'layer' ? layer.id : layer.lazy.chainId))
  return `${shortName([ref.kind])}::${shortName(parts)}`
}

function shortName(parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\0')).digest('hex')
  return BigInt(`0x${hex}`).toString(36).padStart(50, '0').slice(-25)
}

class FileOpRun implements AsyncDisposable {
  readonly #message: FileOpMessage
  readonly #inputs: readonly Ref[]
  readonly #trees: Trees
  readonly #ctx: OpContext
  readonly #signal: AbortSignal
  readonly #made: (Node | undefined)[] = []
  readonly #open = new Set<ActiveLayer>()

  constructor(message: FileOpMessage, inputs: readonly Ref[], trees: Trees, ctx: OpContext) {
    this.#message = message
    this.#inputs = inputs
    this.#trees = trees
    this.#ctx = ctx
    this.#signal = ctx.signal
  }

  async outputs(): Promise<readonly Result[]> {
    const results = new Map<number, Result>()
    for (const [i, action] of this.#message.actions.entries()) {
      const active = await this.#begin(action)
      await this.#apply(action, active).catch(async (e: unknown) => {
        this.#made[i] = active
        throw this.#signal.aborted ? e : withFailedTrees(e, await this.#salvage(i))
      })
      this.#made[i] = active
      if (action.output >= 0n) results.set(Number(action.output), { value: await this.#finish(i) })
    }
    return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
  }

  /** What there was when an action failed. */
  async #salvage(index: number): Promise<FailedTrees> {
    const outputs: (Ref | undefined)[] = []
    for (const i of this.#message.actions.keys())
      outputs.push(this.#made[i] === undefined ? undefined : await this.#finish(i))
    return { inputs: this.#inputs, outputs, subject: { case: 'file', value: { index: BigInt(index) } } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const active of this.#open) await active[Symbol.asyncDispose]()
  }

  /** The layer that an action changes: its input's own where nobody else needs that input, else a new one on top. */
  async #begin(action: FileAction): Promise<Extract<Node, { kind: 'active' }>> {
    const index = Number(action.input)
    const made = index - this.#inputs.length
    const node = made >= 0 ? this.#made[made] : undefined
    if (node?.kind === 'active' && this.#uses(index) === 1) {
      this.#made[made] = undefined
      return node
    }
    const ref = await this.#ref(index)
    const base = await this.#onDisk(ref)
    const active = await this.#trees.prepare(base, { description: this.#ctx.name, signal: this.#signal })
    this.#open.add(active)
    return { kind: 'active', active, base }
  }

  #uses(index: number): number {
    return this.#message.actions.filter(
      action => Number(action.input) === index || Number(action.secondaryInput) === index,
    ).length
  }

  async #onDisk(ref: Ref): Promise<StackRef> {
    return unpackedRef(ref, await this.#trees.stack(ref, this.#signal))
  }

  /** The finished tree behind an index: -1 is empty, then come the op's inputs, then what actions made. */
  async #ref(index: number): Promise<Ref> {
    if (index < 0) return scratch
    const input = this.#inputs[index]
    if (input !== undefined) return input
    return this.#finish(index - this.#inputs.length)
  }

  async #finish(i: number): Promise<Ref> {
    const node = this.#made[i]
    if (node === undefined)
      throw new SlipwayError(
        'invalid-argument',
        `invalid input index ${i + this.#inputs.length} of a file action`,
      )
    if (node.kind === 'ref') return node.ref
    const layer = await node.active.commit()
    this.#open.delete(node.active)
    const ref: StackRef = { kind: 'stack', layers: [...node.base.layers, { kind: 'layer', id: layer.id }] }
    this.#made[i] = { kind: 'ref', ref }
    return ref
  }

  async #apply(action: FileAction, node: Extract<Node, { kind: 'active' }>): Promise<void> {
    const { action: one } = action
    const opened = new DisposableStack()
    using _opened = opened
    const treeOf = async (index: number): Promise<FileTree | undefined> =>
      index < 0 ? undefined : opened.use(await this.#trees.view(await this.#ref(index), this.#signal))
    const option = one.case === undefined || one.case === 'rm' ? undefined : one.value.owner
    const owner = await resolveOwner(option, treeOf)
    const target = opened.use(this.#trees.writable(node.active, { parentTimes: 'touched' }))
    const from = Math.max(-1, Number(action.secondaryInput))
    const source =
      one.case === 'copy'
        ? opened.use(await this.#trees.view(await this.#ref(from), this.#signal))
        : undefined
    await applyAction(action, { target, source, owner, signal: this.#signal })
  }
}
