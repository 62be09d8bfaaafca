import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase } from '../content/database.ts'
import { openImageNames } from '../content/image-names.ts'
import { MemoryStore } from '../content/memory-store.ts'
import { imageStoreContract } from '../registry/testing/image-store-contract.ts'
import { blobOf, putImage } from '../registry/testing/test-client.ts'
import { LocalImageStore } from './local-image-store.ts'

async function opened() {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-local-'))
  const database = openDatabase(join(directory, 'db'))
  const held: string[] = []
  const local = {
    content: new MemoryStore(),
    images: openImageNames(database, directory),
    lease: { hold: (kind: string, key: string) => void held.push(`${kind} ${key}`) },
  }
  return {
    local,
    held,
    store: new LocalImageStore({ domain: 'docker.io', path: 'me/app' }, local),
    [Symbol.asyncDispose]: async () => {
      database[Symbol.dispose]()
      await rm(directory, { recursive: true })
    },
  }
}

describe('the local store', () => {
  imageStoreContract(opened)

  it('names images in full, and shows each repository its own', async () => {
    await using o = await opened()
    const image = await putImage(o.store, { tag: 'v1' })
    assert.equal(o.local.images.get('docker.io/me/app:v1')?.descriptor.digest, image.descriptor.digest)
    const other = new LocalImageStore({ domain: 'docker.io', path: 'me/ap' }, o.local)
    assert.deepEqual(await other.tags(), [])
    assert.equal(await other.mountBlob(image.config, o.store), true)
    assert.equal(await other.mountBlob(blobOf('absent').descriptor, o.store), false)
  })

  it('holds everything it puts until it has a name', async () => {
    await using o = await opened()
    const image = await putImage(o.store, { tag: 'v1' })
    const parts = [image.config, ...image.layers, image.descriptor].map(d => `blob ${d.digest}`)
    assert.deepEqual([...o.held].sort(), parts.sort())
  })
})
