import assert from 'node:assert/strict'
import { it } from 'node:test'
import { collectText } from '../../bytes/collect.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { describeBytes, marshalManifest } from '../../oci/manifest.ts'
import { attestationArtifactType, mediaType } from '../../oci/media-type.ts'
import { blobOf, putImage, putIndex } from './test-client.ts'

/** An empty store to test, and how to dispose of it. */
export type OpenStore = () => Promise<{ readonly store: ImageStore } & AsyncDisposable>

/** What every image store must do; call it inside `describe`. */
export function imageStoreContract(open: OpenStore): void {
  const text = (stream: AsyncIterable<Uint8Array>): Promise<string> => collectText(stream, { limit: 1 << 20 })

  it('gives back blobs that were put, and knows which it has', async () => {
    await using opened = await open()
    const { store } = opened
    const { descriptor, open: content } = blobOf('hello')
    assert.equal(await store.hasBlob(descriptor), false)
    await store.putBlob(descriptor, content)
    await store.putBlob(descriptor, content)
    assert.equal(await store.hasBlob(descriptor), true)
    assert.equal(await text(store.fetch(descriptor)), 'hello')
  })

  it('takes the empty blob', async () => {
    await using opened = await open()
    const { descriptor, open: content } = blobOf('')
    await opened.store.putBlob(descriptor, content)
    assert.equal(await text(opened.store.fetch(descriptor)), '')
  })

  it('refuses a blob that is not what its digest says, and does not have it afterwards', async () => {
    await using opened = await open()
    const { descriptor } = blobOf('right')
    await assert.rejects(opened.store.putBlob(descriptor, blobOf('wrong').open))
    assert.equal(await opened.store.hasBlob(descriptor), false)
  })

  it('resolves manifests by tag and by digest, with the bytes that were put', async () => {
    await using opened = await open()
    const { store } = opened
    const image = await putImage(store, { tag: 'one' })
    const index = await putIndex(store, [image.descriptor], { tag: 'all' })
    for (const target of ['one', image.descriptor.digest]) {
      assert.deepEqual(await store.head(target), image.descriptor)
      const resolved = await store.resolve(target)
      assert.deepEqual(resolved.descriptor, image.descriptor)
      assert.deepEqual(Buffer.from(resolved.bytes), Buffer.from(image.bytes))
    }
    assert.deepEqual((await store.resolve('all')).descriptor, index.descriptor)
    assert.equal(await text(store.fetch(index.descriptor)), Buffer.from(index.bytes).toString())
  })

  it('moves a tag to the last manifest that was put under it, and lists it once', async () => {
    await using opened = await open()
    const { store } = opened
    await putImage(store, { tag: 'latest', layers: ['a'] })
    const second = await putImage(store, { tag: 'latest', layers: ['b'] })
    await putImage(store, { tag: 'other', layers: ['c'] })
    assert.equal((await store.head('latest'))?.digest, second.descriptor.digest)
    assert.deepEqual([...(await store.tags())].sort(), ['latest', 'other'])
  })

  it('says not-found for what is not there', async () => {
    await using opened = await open()
    const { store } = opened
    const absent = digestOf('absent')
    assert.equal(await store.head('absent'), undefined)
    assert.equal(await store.head(absent), undefined)
    await assert.rejects(store.resolve('absent'), { code: 'not-found', message: /:absent.*not found$/ })
    await assert.rejects(store.resolve(absent), { code: 'not-found' })
    const descriptor = { mediaType: mediaType.ociLayer, digest: absent, size: 6 }
    await assert.rejects(text(store.fetch(descriptor)), { code: 'not-found', message: /not found$/ })
    assert.deepEqual(await store.referrers(absent), [])
  })

  it('lists referrers by subject and artifact type', async () => {
    await using opened = await open()
    const { store } = opened
    const image = await putImage(store, { tag: 'x' })
    const signature = await putReferrer(store, image.descriptor, 'test/signature')
    await putReferrer(store, image.descriptor, 'test/sbom')
    assert.equal((await store.referrers(image.descriptor.digest)).length, 2)
    const found = await store.referrers(image.descriptor.digest, { artifactTypes: ['test/signature'] })
    assert.deepEqual(
      found.map(d => [d.digest, d.artifactType]),
      [[signature, 'test/signature']],
    )
  })

  it('has no tags for attestations, which the index names that they lie in', async () => {
    await using opened = await open()
    const { store } = opened
    const image = await putImage(store, { tag: 'x' })
    const attestation = await putReferrer(store, image.descriptor, attestationArtifactType)
    assert.deepEqual(await store.tags(), ['x'])
    assert.equal((await store.head(attestation))?.digest, attestation)
  })
}

/** Puts a manifest about another one; its digest. */
async function putReferrer(store: ImageStore, subject: Descriptor, artifactType: string): Promise<Digest> {
  const empty = blobOf('{}', mediaType.ociEmpty)
  await store.putBlob(empty.descriptor, empty.open)
  const bytes = marshalManifest({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    artifactType,
    config: empty.descriptor,
    layers: [],
    subject,
    annotations: { of: artifactType },
  })
  const descriptor = describeBytes(bytes, mediaType.ociManifest)
  await store.putManifest(descriptor, bytes)
  return descriptor.digest
}
