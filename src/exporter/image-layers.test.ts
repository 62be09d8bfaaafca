import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import type { LazyLayer, RefLayer } from '../snapshot/ref.ts'
import type { ExportContext } from './export-context.ts'
import { imageLayers, type LayerOptions, type LayerServices } from './image-layers.ts'

describe('layers of base images', () => {
  const lazy: LazyLayer = {
    descriptor: {
      mediaType: mediaType.dockerLayerForeign,
      digest: digestOf(Buffer.from('foreign')),
      size: 7,
      urls: ['https://example.com/layer'],
    },
    diffId: digestOf(Buffer.from('foreign')),
    chainId: digestOf(Buffer.from('foreign')),
    fetch: async () => {},
  }
  const exported = async (layer: RefLayer, options: Partial<LayerOptions>) => {
    const ctx = { signal: new AbortController().signal } as ExportContext
    const wanted = {
      compression: { type: 'gzip', force: false },
      oci: true,
      preferNondistributable: false,
    } as const
    const ref = { kind: 'stack', layers: [layer] } as const
    const [found] = await imageLayers(ref, { ...wanted, ...options }, {} as LayerServices, ctx)
    return found?.descriptor
  }

  it('that are not to be distributed become plain ones, unless they are wanted as they are', async () => {
    const layer = { kind: 'lazy', lazy } as const
    const { digest, size } = lazy.descriptor
    assert.deepEqual(await exported(layer, {}), { mediaType: mediaType.ociLayer, digest, size })
    assert.deepEqual(await exported(layer, { oci: false }), {
      mediaType: mediaType.dockerLayer,
      digest,
      size,
    })
    const kept = { preferNondistributable: true, oci: false }
    assert.deepEqual(await exported(layer, kept), lazy.descriptor)
  })

  it('have the blob of the image that they came with, though others unpacked the same', async () => {
    const layer = { kind: 'layer', id: '7', origin: lazy } as const
    assert.equal((await exported(layer, {}))?.digest, lazy.descriptor.digest)
  })
})
