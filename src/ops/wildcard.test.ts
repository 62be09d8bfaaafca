import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DirectoryTree } from '../snapshot/directory-tree.ts'
import { resolveWildcards } from './wildcard.ts'

let dir = ''
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slipway-wildcard-'))
  for (const path of ['a/b/c', 'a/d/c']) mkdirSync(join(dir, path), { recursive: true })
  writeFileSync(join(dir, 'file'), '')
  symlinkSync('a', join(dir, 'link'))
  symlinkSync('nope', join(dir, 'dangling'))
})
after(() => rm(dir, { recursive: true }))

const found = (path: string, followLinks = true): readonly string[] => {
  using tree = new DirectoryTree(dir)
  return resolveWildcards(tree, path, followLinks)
}

test('A path with wildcards stands for what matches, level by level.', () => {
  assert.deepEqual(found('/a/*'), ['/a/b', '/a/d'])
  assert.deepEqual(found('/*/?/c'), ['/a/b/c', '/a/d/c'])
  assert.deepEqual(found('/link/[b]'), ['/a/b'])
  assert.deepEqual(found('/a/x*'), [])
  assert.deepEqual(found('/file/*'), [])
  assert.deepEqual(found('/nope'), ['/nope'])
})

test('What is before the wildcards must be there.', () => {
  const missing = (path: string) => ({
    code: 'not-found',
    message: `lstat ${path}: no such file or directory`,
  })
  assert.throws(() => found('/nope/*'), missing('/nope'))
  assert.throws(() => found('/a/nope/x/*'), missing('/a/nope/x'))
  assert.throws(() => found('/dangling/*'), missing('/nope'))
})
