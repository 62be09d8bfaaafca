import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { makeDirectories, makeDirectoriesSync } from './make-directories.ts'

describe('directories with those above them', () => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-directories-'))
  after(() => rmSync(root, { recursive: true }))

  it('are made once, and the uppermost new one is told', async () => {
    assert.equal(await makeDirectories(join(root, 'a/b/c'), 0o700), join(root, 'a'))
    assert.equal(await makeDirectories(join(root, 'a/b/c')), undefined)
    assert.equal(makeDirectoriesSync(join(root, 'a/b/d/e')), join(root, 'a/b/d'))
    assert.equal(makeDirectoriesSync(join(root, 'a/b/d/e')), undefined)
    assert.equal(statSync(join(root, 'a/b/c')).mode & 0o777, 0o700)
  })

  it('fail where a file is in the way', async () => {
    writeFileSync(join(root, 'file'), '')
    await assert.rejects(makeDirectories(join(root, 'file')), { code: 'EEXIST' })
    assert.throws(() => makeDirectoriesSync(join(root, 'file/x')), { code: 'ENOTDIR' })
  })

  it('fail where nothing can be made, and do not try for ever', async () => {
    await assert.rejects(makeDirectories('/proc/nothing/here'), { code: 'ENOENT' })
    assert.throws(() => makeDirectoriesSync('/proc/nothing/here'), { code: 'ENOENT' })
  })
})
