import { isInternal, type LayerPacker } from '../exporter/image-layers.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { refOf } from '../ops/ref-result.ts'
import type { RefLayer } from '../snapshot/ref.ts'
import type { Result } from '../solver/result.ts'
import type { VisitedVertex } from '../solver/solver.ts'
import { noProgress } from './client-step.ts'
import type { VertexBody } from './load-definition.ts'

/** Outputs of a step as chains of blobs. */
export type LayerChains = ReadonlyMap<
  string,
  readonly (readonly [output: number, chain: readonly Descriptor[]])[]
>

/** Blobs of the outputs of all steps whose layers have been packed, by the digest of the step. */
export async function layerChains(
  steps: Iterable<VisitedVertex>,
  packer: LayerPacker,
  signal: AbortSignal,
): Promise<LayerChains> {
  const chains = new Map<string, (readonly [number, readonly Descriptor[]])[]>()
  for (const step of steps) {
    for (const output of step.outputs) {
      const result = (await step.peek(output)) ?? (await imageResult(step, signal))
      const chain = result === undefined ? undefined : chainOf(result, packer)
      if (chain === undefined || chain.length === 0) continue
      const { digest } = step.vertex
      chains.set(digest, [...(chains.get(digest) ?? []), [output, chain]])
    }
  }
  return chains
}

/** An image is known without being fetched: what its op answers is only a list of layers. */
async function imageResult({ vertex, op }: VisitedVertex, signal: AbortSignal): Promise<Result | undefined> {
  const { op: message } = vertex.body as VertexBody
  if (message.op.case !== 'source' || !/^(docker-image|oci-layout):/.test(message.op.value.identifier))
    return undefined
  if (op.pin?.() === undefined) return undefined
  const [result] = await op.exec([], { signal, progress: noProgress, name: vertex.name, sessions: () => [] })
  return result
}

function chainOf(result: Result, packer: LayerPacker): readonly Descriptor[] | undefined {
  const ref = refOf(result)
  if (ref.kind !== 'stack') return undefined
  const chain: Descriptor[] = []
  for (const layer of ref.layers) {
    const descriptor = blobOf(layer, packer)
    if (descriptor === undefined) return undefined
    chain.push(descriptor)
  }
  return chain
}

function blobOf(layer: RefLayer, packer: LayerPacker): Descriptor | undefined {
  const blob = layer.kind === 'lazy' ? layer.lazy.descriptor : packer.packed(layer.id)?.descriptor
  if (blob === undefined) return undefined
  const { mediaType, digest, size } = blob
  const annotations = Object.entries(blob.annotations ?? {}).filter(([key]) => isShown(layer, key))
  return {
    mediaType,
    digest,
    size,
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  }
}

/** What an image says of its layers is not told; what packing them has to say is. */
const isShown = (layer: RefLayer, key: string): boolean =>
  layer.kind === 'layer' && layer.origin === undefined && !isInternal(key) && !key.startsWith('buildkit/')
