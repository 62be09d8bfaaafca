import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../content/database.ts'
import type { Entry } from '../snapshot/tree.ts'
import { createLocalDigests } from './local-digests.ts'

const entry = (statKey: string): Entry => ({
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  mtimeNs: 1n,
  statKey,
})

test('digests of more files than are remembered at once are known to the next build', () => {
  using database = openDatabase(':memory:')
  const paths = [
    ...Array.from({ length: 25_000 }, (_, i) => `/d${i % 7}/f${i}`),
    ...Array.from({ length: 25_000 }, (_, i) => `/small/${i >> 5}/f${i}`),
    '/top',
  ]
  {
    using digests = createLocalDigests(database)
    const files = digests.of('/home/me/app')
    for (const path of paths) files.set(path, entry(path), `sha256:${path}`)
    assert.equal(files.get('/top', entry('/top')), 'sha256:/top')
    assert.equal(files.get('/d0/f0', entry('/d0/f0')), 'sha256:/d0/f0')
  }
  using digests = createLocalDigests(database)
  const files = digests.of('/home/me/app')
  for (const path of paths) assert.equal(files.get(path, entry(path)), `sha256:${path}`)
  assert.equal(files.get('/top', entry('changed')), undefined)
  assert.equal(digests.of('/home/me/other').get('/top', entry('/top')), undefined)
})
