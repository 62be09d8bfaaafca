import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryImageStore } from '../oci/memory-image-store.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { describeBytes, marshalIndex, marshalManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { type CopyEvent, ImageCopier } from './image-copier.ts'
import { InProcessRegistry } from './testing/in-process-registry.ts'
import { blobOf, putImage, putIndex, TestClient } from './testing/test-client.ts'

async function twoPlatforms(store: MemoryImageStore) {
  const amd64 = await putImage(store, { layers: ['base', 'amd64'] })
  const arm64 = await putImage(store, {
    layers: ['base', 'arm64'],
    platform: { architecture: 'arm64', os: 'linux' },
  })
  return await putIndex(store, [amd64.descriptor, arm64.descriptor], { tag: 'v1' })
}

describe('ImageCopier', () => {
  it('copies an index with everything below it, what is shared once, under all tags', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const source = new MemoryImageStore()
    const index = await twoPlatforms(source)
    const target = client.at(registry.host, 'me/app')
    const events: CopyEvent[] = []
    await new ImageCopier(target, { onEvent: e => void events.push(e) }).copy(source, index.descriptor, {
      tags: ['a', 'b'],
    })
    assert.deepEqual(await target.tags(), ['a', 'b'])
    assert.equal((await target.head('b'))?.digest, index.descriptor.digest)
    assert.equal(registry.seen('POST').length, 5)
    assert.equal(events.filter(e => e.kind === 'done').length, 8)
    assert.equal(registry.seen('PUT').at(-1)?.path, '/v2/me/app/manifests/b')
  })

  it('sends nothing that is there, and mounts what a repository beside has', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const source = new MemoryImageStore()
    const index = await twoPlatforms(source)
    const one = client.at(registry.host, 'me/one')
    await new ImageCopier(one).copy(source, index.descriptor, { tags: ['v1'] })
    const events: string[] = []
    const onEvent = (e: CopyEvent): void => void events.push(e.kind)
    await new ImageCopier(client.at(registry.host, 'me/two'), { onEvent }).copy(one, index.descriptor, {
      tags: ['v1'],
    })
    assert.equal(events.filter(e => e === 'mounted').length, 5)
    assert.equal(registry.seen('PUT', 'uploads').length, 5)
    await new ImageCopier(one, { onEvent }).copy(source, index.descriptor, { tags: ['v1'] })
    assert.equal(events.filter(e => e === 'exists').length, 5)
  })

  it('copies between registries of which one breaks on the way', async () => {
    await using from = await InProcessRegistry.start({
      fault: r =>
        r.before === 0 && r.path.includes('/blobs/') && r.method === 'GET'
          ? { kind: 'truncate', after: 2 }
          : undefined,
    })
    let cuts = 2
    await using to = await InProcessRegistry.start({
      fault: r => (r.method === 'PUT' && cuts-- > 0 ? { kind: 'cut-upload', after: 1 } : undefined),
    })
    using client = TestClient.make()
    const memory = new MemoryImageStore()
    const index = await twoPlatforms(memory)
    const source = client.at(from.host, 'a')
    await new ImageCopier(source).copy(memory, index.descriptor, { tags: ['v1'] })
    await new ImageCopier(client.at(to.host, 'b')).copy(source, index.descriptor, { tags: ['v1'] })
    assert.equal((await client.at(to.host, 'b').head('v1'))?.digest, index.descriptor.digest)
  })

  it('takes referrers of the wanted types along, and theirs, after what they refer to', async () => {
    const source = new MemoryImageStore()
    const image = await putImage(source, { tag: 'v1' })
    const empty = blobOf('{}', mediaType.ociEmpty)
    await source.putBlob(empty.descriptor, empty.open)
    const refer = async (artifactType: string, subject: Descriptor): Promise<Descriptor> => {
      const bytes = marshalManifest({
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        artifactType,
        config: empty.descriptor,
        layers: [empty.descriptor],
        subject,
      })
      await source.putManifest(describeBytes(bytes, mediaType.ociManifest), bytes)
      return describeBytes(bytes, mediaType.ociManifest)
    }
    const sbom = await refer('sbom', image.descriptor)
    const signature = await refer('signature', sbom)
    const other = await refer('other', image.descriptor)
    const target = new MemoryImageStore()
    await new ImageCopier(target, { referrers: ['sbom', 'signature'] }).copy(source, image.descriptor, {
      tags: ['v1'],
    })
    assert.notEqual(await target.head(sbom.digest), undefined)
    assert.notEqual(await target.head(signature.digest), undefined)
    assert.equal(await target.head(other.digest), undefined)
  })

  it('does not run in circles when a store calls a manifest its own referrer', async () => {
    class Circle extends MemoryImageStore {
      override async referrers(): Promise<readonly Descriptor[]> {
        return [one.descriptor, two.descriptor]
      }
    }
    const source = new Circle()
    const one = await putImage(source, { layers: ['1'] })
    const two = await putImage(source, { layers: ['2'] })
    const target = new MemoryImageStore()
    await new ImageCopier(target, { referrers: ['x'] }).copy(source, one.descriptor, { tags: ['v1'] })
    assert.notEqual(await target.head(two.descriptor.digest), undefined)
  })

  it('leaves non-distributable layers where they are', async () => {
    const source = new MemoryImageStore()
    const foreign = {
      ...blobOf('windows').descriptor,
      mediaType: mediaType.dockerLayerForeignGzip,
      urls: ['https://a.example/x'],
    }
    const config = blobOf('{}', mediaType.dockerConfig)
    await source.putBlob(config.descriptor, config.open)
    const bytes = marshalManifest({
      schemaVersion: 2,
      mediaType: mediaType.dockerManifest,
      config: config.descriptor,
      layers: [foreign],
    })
    await source.putManifest(describeBytes(bytes, mediaType.dockerManifest), bytes, { tags: ['v1'] })
    const target = new MemoryImageStore()
    await new ImageCopier(target).copy(source, describeBytes(bytes, mediaType.dockerManifest), {
      tags: ['v1'],
    })
    assert.equal(await target.hasBlob(foreign), false)
  })

  it('refuses indexes nested without end', async () => {
    const source = new MemoryImageStore()
    let child = (await putImage(source)).descriptor
    for (let i = 0; i < 12; i++) {
      const bytes = marshalIndex({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [child] })
      child = describeBytes(bytes, mediaType.ociIndex)
      await source.putManifest(child, bytes)
    }
    await assert.rejects(new ImageCopier(new MemoryImageStore()).copy(source, child), {
      code: 'resource-exhausted',
      message: /nested too deep/,
    })
  })

  it('stops everything when aborted, and reports the first failure', async () => {
    const source = new MemoryImageStore()
    const index = await twoPlatforms(source)
    const controller = new AbortController()
    controller.abort()
    await assert.rejects(
      new ImageCopier(new MemoryImageStore(), { signal: controller.signal }).copy(source, index.descriptor),
      { code: 'canceled' },
    )
    const lost = new MemoryImageStore()
    await assert.rejects(new ImageCopier(new MemoryImageStore()).copy(lost, index.descriptor), {
      code: 'not-found',
    })
  })
})
