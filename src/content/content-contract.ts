import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { collect } from '../bytes/collect.ts'
import { digestOf } from '../oci/digest.ts'
import type { ContentStore } from './content-store.ts'

/** What every content store has to do. `open` gives an empty one. */
export function contentContract(name: string, open: () => Promise<ContentStore>): void {
  const hello = Buffer.from('hello')
  const digest = digestOf(hello)
  const all = (source: AsyncIterable<Uint8Array>): Promise<Uint8Array> => collect(source, { limit: 1 << 26 })

  describe(name, () => {
    it('keeps blobs by their digest, however often they come', async () => {
      const store = await open()
      assert.equal(await store.size(digest), undefined)
      for (let i = 0; i < 2; i++)
        assert.deepEqual(await store.put(hello, { digest, size: 5 }), { digest, size: 5 })
      assert.equal(await store.size(digest), 5)
      assert.deepEqual(Buffer.from(await store.readAll(digest)), hello)
      const listed = await Array.fromAsync(store.list())
      assert.deepEqual(
        listed.map(b => [b.digest, b.size]),
        [[digest, 5]],
      )
      assert.ok(Math.abs((listed[0]?.modifiedMs ?? 0) - Date.now()) < 60_000)
    })

    it('reads parts', async () => {
      const store = await open()
      const big = randomBytes(700_000)
      const { digest: of } = await store.put(big)
      assert.deepEqual(Buffer.from(await all(store.read(of))), big)
      const part = await all(store.read(of, { offset: 300_000, length: 299_999 }))
      assert.deepEqual(Buffer.from(part), big.subarray(300_000, 599_999))
      assert.equal((await all(store.read(of, { offset: 699_999, length: 10 }))).length, 1)
      assert.equal((await all(store.read(of, { offset: 800_000 }))).length, 0)
    })

    it('writes in pieces', async () => {
      const store = await open()
      await using writer = await store.writer()
      const chunk = Buffer.from('hel')
      await writer.write(chunk)
      chunk.fill(0)
      await writer.write(Buffer.from('lo'))
      assert.deepEqual(await writer.commit(), { digest, size: 5 })
      assert.equal(await store.size(digest), 5)
    })

    it('keeps nothing that is not what was expected, or not committed', async () => {
      const store = await open()
      const other = digestOf('other')
      await assert.rejects(store.put(hello, { digest: other }), {
        code: 'data-loss',
        message: `unexpected commit digest ${digest}, expected ${other}`,
      })
      await assert.rejects(store.put(hello, { size: 4 }), {
        code: 'data-loss',
        message: /^unexpected commit size 5, expected 4/,
      })
      await assert.rejects(store.put(hello, { size: 6 }), { code: 'data-loss' })
      {
        await using writer = await store.writer()
        await writer.write(hello)
      }
      assert.deepEqual(await Array.fromAsync(store.list()), [])
    })

    it('says what is missing or too large', async () => {
      const store = await open()
      await assert.rejects(store.readAll(digest), {
        code: 'not-found',
        message: `content ${digest}: not found`,
      })
      await assert.rejects(all(store.read(digest)), { code: 'not-found' })
      await store.put(hello)
      await assert.rejects(store.readAll(digest, 4), { code: 'resource-exhausted' })
    })

    it('deletes, also what is not there', async () => {
      const store = await open()
      await store.put(hello)
      await store.delete(digest)
      await store.delete(digest)
      assert.equal(await store.size(digest), undefined)
    })

    it('stops reading when the signal aborts', async () => {
      const store = await open()
      await store.put(hello)
      await assert.rejects(all(store.read(digest, { signal: AbortSignal.abort() })), { code: 'canceled' })
    })
  })
}
