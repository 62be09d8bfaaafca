import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { CacheMountRequest, CacheSharing } from './cache-mounts.ts'
import { createDiskCacheMounts } from './disk-cache-mounts.ts'

describe('cache mounts', () => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-caches-'))
  after(() => rmSync(root, { recursive: true }))
  let copies = 0
  const caches = createDiskCacheMounts(root, async (layers, target) => {
    copies++
    for (const layer of layers) writeFileSync(join(target, layer), layer)
  })
  const request = (id: string, more: Partial<CacheMountRequest> = {}): CacheMountRequest => ({
    id,
    sharing: 'shared',
    base: [],
    description: id,
    signal: new AbortController().signal,
    ...more,
  })

  it('begin with the files of a tree, once, and are one directory for all that share them', async () => {
    const wanted = request('based', { base: ['one', 'two'] })
    await using first = await caches.acquire(wanted)
    await using second = await caches.acquire(wanted)
    assert.equal(first.path, second.path)
    assert.deepEqual(readdirSync(first.path).sort(), ['one', 'two'])
    assert.equal(copies, 1)
    writeFileSync(join(first.path, 'three'), '')
    assert.ok(existsSync(join(second.path, 'three')))
  })

  it('are others where they begin with another tree', async () => {
    await using plain = await caches.acquire(request('based'))
    await using other = await caches.acquire(request('based', { base: ['other'] }))
    assert.deepEqual(readdirSync(plain.path), [])
    assert.deepEqual(readdirSync(other.path), ['other'])
  })

  it('are emptied with all they began with', async () => {
    await caches.clear(['based'])
    await using based = await caches.acquire(request('based', { base: ['one', 'two'] }))
    assert.deepEqual(readdirSync(based.path).sort(), ['one', 'two'])
  })

  const take = async (id: string, sharing: CacheSharing) => {
    const lease = await caches.acquire(request(id, { sharing }))
    return { lease, slot: Number(basename(join(lease.path, '..'))) }
  }
  const waits = async (id: string, sharing: CacheSharing): Promise<void> => {
    await assert.rejects(caches.acquire(request(id, { sharing, signal: AbortSignal.timeout(150) })))
  }

  it('of one user are kept from others, who get a new one or wait', async () => {
    for (const first of ['locked', 'private'] as const) {
      const { lease, slot } = await take(first, first)
      await using _first = lease
      assert.equal(slot, 0)
      await waits(first, 'locked')
      const second = await take(first, 'private')
      assert.equal(second.slot, 1)
      await waits(first, 'locked')
      await second.lease[Symbol.asyncDispose]()
      const third = await take(first, 'locked')
      await using _third = third.lease
      assert.equal(third.slot, 1, 'a free one is as good')
      const shared = await take(first, 'shared')
      await using _shared = shared.lease
      const joined = await take(first, 'shared')
      await using _joined = joined.lease
      assert.deepEqual([shared.slot, joined.slot], [2, 2])
    }
  })

  it('that are shared are joined rather than a free one', async () => {
    const first = await take('joined', 'private')
    const shared = await take('joined', 'shared')
    await using _shared = shared.lease
    await first.lease[Symbol.asyncDispose]()
    const joined = await take('joined', 'shared')
    await using _joined = joined.lease
    assert.deepEqual([shared.slot, joined.slot], [1, 1])
    const lone = await take('joined', 'locked')
    await using _lone = lone.lease
    assert.equal(lone.slot, 0)
  })

  it('that are emptied while they are used stay with their users only', async () => {
    for (const sharing of ['locked', 'private', 'shared'] as const) {
      const id = `emptied ${sharing}`
      const first = await take(id, sharing)
      writeFileSync(join(first.lease.path, 'first'), '')
      await caches.clear([id])
      const second = await take(id, sharing)
      assert.deepEqual(readdirSync(second.lease.path), [])
      assert.deepEqual(readdirSync(first.lease.path), ['first'])
      writeFileSync(join(second.lease.path, 'second'), '')
      await second.lease[Symbol.asyncDispose]()
      await first.lease[Symbol.asyncDispose]()
      assert.ok(!existsSync(first.lease.path), 'nobody finds it again')
      const third = await take(id, sharing)
      await using _third = third.lease
      assert.deepEqual(readdirSync(third.lease.path), ['second'])
    }
  })

  it('that were emptied and not given back are taken away by the next user', async () => {
    const first = await take('lost', 'locked')
    writeFileSync(join(first.lease.path, 'first'), '')
    await first.lease[Symbol.asyncDispose]()
    writeFileSync(join(first.lease.path, '..', '..', '0.retired'), '')
    const second = await take('lost', 'locked')
    await using _second = second.lease
    assert.deepEqual(readdirSync(second.lease.path), [])
  })

  it('of versions that kept changes only are made anew', async () => {
    const path = await (async () => {
      await using lease = await caches.acquire(request('old', { base: ['one'] }))
      return lease.path
    })()
    writeFileSync(join(path, 'one'), 'changed')
    const facts = join(path, '..', 'mount.json')
    mkdirSync(join(path, '..', 'work'))
    writeFileSync(facts, JSON.stringify({ ...JSON.parse(readFileSync(facts, 'utf8')), base: ['one'] }))
    await using lease = await caches.acquire(request('old', { base: ['one'] }))
    assert.equal(readFileSync(join(lease.path, 'one'), 'utf8'), 'one')
  })
})
