import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { CacheMountRequest } from './cache-mounts.ts'
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
