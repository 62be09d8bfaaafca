import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LayerPacker } from '../exporter/image-layers.ts'
import { digestOf } from '../oci/digest.ts'
import { resultOf } from '../ops/ref-result.ts'
import type { RefLayer } from '../snapshot/ref.ts'
import type { VisitedVertex } from '../solver/solver.ts'
import { layerChains } from './layer-chains.ts'

test('Blobs of steps are told with what packing says of them, not with what the store or their image does.', async () => {
  const digest = digestOf(Buffer.from('layer'))
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 5 }
  const stored = { 'slipway.repository': 'x', 'buildkit/createdat': 'y', 'buildkit/rewritten-timestamp': '0' }
  const toc = { 'containerd.io/snapshot/stargz/toc.digest': digest }
  const packer = {
    packed: () => ({ diffId: digest, descriptor: { ...blob, annotations: { ...stored, ...toc } } }),
  } as unknown as LayerPacker
  const lazy = {
    descriptor: { ...blob, annotations: toc },
    diffId: digest,
    chainId: digest,
    fetch: async () => {},
  }
  const layers: readonly RefLayer[] = [
    { kind: 'lazy', lazy },
    { kind: 'layer', id: '1', origin: lazy },
    { kind: 'layer', id: '2' },
  ]
  const step = {
    vertex: { digest: 'v' },
    outputs: [0],
    peek: async () => resultOf({ kind: 'stack', layers }),
  }
  const steps = [step as unknown as VisitedVertex]
  const chains = await layerChains(steps, packer, new AbortController().signal)
  assert.deepEqual([...chains], [['v', [[0, [blob, blob, { ...blob, annotations: toc }]]]]])
})
