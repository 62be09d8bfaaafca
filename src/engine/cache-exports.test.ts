import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCacheExports } from './cache-exports.ts'
import type { CacheServices } from './cache-backends.ts'
import type { CacheEntry } from './cache-imports.ts'

const services = {} as CacheServices
const local = (attrs: Readonly<Record<string, string>> = {}): CacheEntry => ({
  type: 'local',
  attrs: { dest: 'd', ...attrs },
})

test('A cache that is asked for twice is refused; images may be told twice to bring theirs along.', () => {
  const inline: CacheEntry = { type: 'inline', attrs: {} }
  const { caches, inline: isInline } = readCacheExports(
    [inline, local(), inline, local({ mode: 'max' })],
    services,
  )
  assert.deepEqual([isInline, caches.map(one => one.mode)], [true, ['min', 'max']])
  assert.throws(() => readCacheExports([local(), inline, local()], services), {
    message: 'duplicate cache exports [local]',
  })
})

test('A cache is packed as the output is, unless it says how.', () => {
  const outputs = [
    { name: 'x' },
    { compression: 'zstd', 'compression-level': '9', 'force-compression': 'true' },
  ]
  const packed = (
    attrs: Readonly<Record<string, string>>,
    given = outputs as readonly Record<string, string>[],
  ) => readCacheExports([local(attrs)], services, given).caches[0]?.compression
  assert.deepEqual(packed({}), { type: 'zstd', level: 9, force: false })
  assert.deepEqual(packed({ 'force-compression': 'true' }), { type: 'zstd', level: 9, force: true })
  assert.deepEqual(packed({ compression: 'estargz' }), { type: 'estargz', force: false })
  assert.deepEqual(packed({ 'compression-level': '1' }), { type: 'gzip', level: 1, force: false })
  assert.deepEqual(packed({}, []), { type: 'gzip', force: false })
})
