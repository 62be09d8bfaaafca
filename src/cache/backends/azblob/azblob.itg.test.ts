import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Azurite, startAzurite } from '../../../../test/support/azurite.ts'
import { lacks } from '../../../../test/support/need.ts'
import { makeScratch, type Scratch } from '../../../../test/support/scratch.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { digestOf } from '../../../oci/digest.ts'
import { readBlobs, sampleAccess, sampleCache, sampleContext } from '../../testing/sample-cache.ts'
import { createAzblobExporter, createAzblobImporter } from './azblob-cache.ts'

describe('a cache in Azurite', { skip: lacks({ npmPeers: ['azurite'] }) }, () => {
  let scratch: Scratch
  let azurite: Azurite
  before(async () => {
    scratch = await makeScratch()
    azurite = await startAzurite(scratch.path('blobs'))
  })
  after(async () => {
    await azurite[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })
  const attrsOf = (container: string, more: Attributes = {}): Attributes => ({
    ...azurite.attributes,
    container,
    ...more,
  })

  it('comes back as it was written, under all of its names', async () => {
    using access = sampleAccess()
    const { cache, read, blobs } = sampleCache('one', 'two')
    const attrs = attrsOf('round-trip', { name: 'a;b', prefix: 'some/where' })
    await createAzblobExporter(attrs, access).write(cache, read, sampleContext())
    const ctx = sampleContext()
    const found = await createAzblobImporter({ ...attrs, name: 'none;b' }, access).load(ctx)
    assert.deepEqual(ctx.steps, ['found 2 layers in cache'])
    assert.deepEqual(await readBlobs(found), blobs)
    const path = '/tests/round-trip/some/where/blobs'
    const put = azurite.requests().filter(request => request.startsWith(`PUT ${path}`))
    const wanted = [...blobs.keys()].map(digest => `PUT ${path}/${digest.replace(':', '%3A')} 201`)
    assert.deepEqual(put.toSorted(), wanted.toSorted())
  })

  it('is empty where there is none: its container is made', async () => {
    using access = sampleAccess()
    const found = await createAzblobImporter(attrsOf('not-there-yet'), access).load(sampleContext())
    assert.deepEqual(found.caches, [])
    assert.ok(azurite.requests().includes('PUT /tests/not-there-yet?restype=container 201'))
  })

  it('is not uploaded again', async () => {
    using access = sampleAccess()
    const { cache, read, reads } = sampleCache('one')
    const exporter = createAzblobExporter(attrsOf('once'), access)
    await exporter.write(cache, read, sampleContext())
    reads.clear()
    await exporter.write(cache, read, sampleContext())
    assert.equal(reads.size, 0)
  })

  it('goes over in blocks where a blob is large', async () => {
    using access = sampleAccess()
    const large = sampleCache(Buffer.alloc(70 * 1024 * 1024, 'x'))
    const attrs = attrsOf('large')
    await createAzblobExporter(attrs, access).write(large.cache, large.read, sampleContext())
    const found = await createAzblobImporter(attrs, access).load(sampleContext())
    for (const [digest, bytes] of await readBlobs(found)) assert.equal(digestOf(bytes), digest)
    const blocks = azurite.requests().filter(request => request.includes('comp=block&blockid='))
    assert.equal(blocks.length, 3)
  })

  it('is refused with a wrong key', async () => {
    using access = sampleAccess()
    const attrs = attrsOf('round-trip', { secret_access_key: 'd3Jvbmc=' })
    await assert.rejects(
      createAzblobImporter(attrs, access).load(sampleContext()),
      /failed to create container client: failed to get properties of cache container round-trip: GET http:\/\/[\d.:]+\/tests\/round-trip: 403 .*AuthorizationFailure/,
    )
  })
})
