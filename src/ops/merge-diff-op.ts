import { SlipwayError } from '../errors/slipway-error.ts'
import { type DiffOp, DiffOpSchema, type MergeOp, MergeOpSchema } from '../proto/gen/ops_pb.ts'
import { type Ref, type RefLayer, scratch, type StackRef } from '../snapshot/ref.ts'
import type { Op } from '../solver/op.ts'
import { cacheDigest } from './cache-digest.ts'
import { diffTrees } from './diff-trees.ts'
import { goJson } from './go-json.ts'
import { refOf, resultOf } from './ref-result.ts'
import type { Trees } from './trees.ts'

const wholeInput = { selector: '' }

/** Stacks the layers of its inputs; files are not copied. */
export function createMergeOp(message: MergeOp, inputCount: number, trees: Trees): Op {
  const digest = cacheDigest(`{"Type":"buildkit.merge.v0","Merge":${goJson(MergeOpSchema, message)}}`)
  return {
    limited: false,
    cacheMaps: async () => [{ digest, inputs: Array.from({ length: inputCount }, () => wholeInput) }],
    async exec(inputs, ctx) {
      const layers: RefLayer[] = []
      for (const [i, input] of inputs.entries()) {
        const stack = await asStack(refOf(input), trees, ctx.signal)
        layers.push(...(i === 0 ? stack.layers : await detachedLayers(stack.layers, trees, ctx.signal)))
      }
      return [resultOf({ kind: 'stack', layers })]
    },
  }
}

/** What has to be laid on `lower` to get `upper`, as a stack of layers. */
export function createDiffOp(message: DiffOp, inputCount: number, trees: Trees): Op {
  const digest = cacheDigest(`{"Type":"buildkit.diff.v0","Diff":${goJson(DiffOpSchema, message)}}`)
  return {
    cacheMaps: async () => [{ digest, inputs: Array.from({ length: inputCount }, () => wholeInput) }],
    async exec(inputs, ctx) {
      const at = async (index: bigint | undefined): Promise<StackRef> => {
        if (index === undefined || index === -1n) return scratch
        const input = inputs[Number(index)]
        if (input === undefined) throw new SlipwayError('invalid-argument', `invalid diff input ${index}`)
        return asStack(refOf(input), trees, ctx.signal)
      }
      const lower = await at(message.lower?.input)
      const upper = await at(message.upper?.input)
      const rest = restAfter(lower, upper)
      const { layers } = rest === undefined ? await diffTrees(lower, upper, trees, ctx) : { layers: rest }
      return [resultOf({ kind: 'stack', layers: await detachedLayers(layers, trees, ctx.signal) })]
    },
  }
}

/** Layers as they are on other trees than those they were made on; what is not unpacked yet stays as it comes. */
async function detachedLayers(
  layers: readonly RefLayer[],
  trees: Trees,
  signal: AbortSignal,
): Promise<readonly RefLayer[]> {
  const found: RefLayer[] = []
  for (const layer of layers) {
    if (layer.kind === 'lazy') found.push(layer)
    else found.push({ kind: 'layer', id: await trees.detached(layer.id, signal) })
  }
  return found
}

async function asStack(ref: Ref, trees: Trees, signal: AbortSignal): Promise<StackRef> {
  if (ref.kind === 'stack') return ref
  const ids = await trees.stack(ref, signal)
  return { kind: 'stack', layers: ids.map(id => ({ kind: 'layer', id })) }
}

const identity = (layer: RefLayer): string =>
  layer.kind === 'layer' ? `id ${layer.id}` : `chain ${layer.lazy.chainId}`

/** The layers of `upper` above those of `lower`, where `lower` is how `upper` begins. */
function restAfter(lower: StackRef, upper: StackRef): readonly RefLayer[] | undefined {
  const begins = lower.layers.every((layer, i) => {
    const other = upper.layers[i]
    return other !== undefined && identity(layer) === identity(other)
  })
  return begins ? upper.layers.slice(lower.layers.length) : undefined
}
