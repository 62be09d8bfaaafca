import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { tryLock } from '../sys/file-lock.ts'
import { directoryRecords, touchDirectoryRecord } from './directory-records.ts'

it('kept directories are records: how often they were used, and whether they are now; free ones can be removed', async t => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-directories-'))
  t.after(() => rmSync(root, { recursive: true }))
  const measure = async (): Promise<number> => 7
  const slots = directoryRecords({ root, type: 'exec.cachemount', prefix: 'cache', form: 'slots' }, measure)
  const plain = directoryRecords({ root, type: 'regular', prefix: 'git', form: 'plain' }, measure)
  const folder = join(root, 'key')
  mkdirSync(join(folder, '0'), { recursive: true })
  mkdirSync(join(root, 'key.new-x'))
  assert.deepEqual([await slots.records(), await plain.records()], [[], []])
  touchDirectoryRecord(folder, 'a repository', 1000)
  touchDirectoryRecord(folder, 'a repository', 2000)
  touchDirectoryRecord(join(folder, '0'), 'a mount', 3000)
  const [mount, ...noMore] = await slots.records()
  assert.deepEqual([mount?.id, mount?.description, noMore], ['cache-key-0', 'a mount', []])
  assert.deepEqual(await plain.records(), [
    {
      id: 'git-key',
      type: 'regular',
      description: 'a repository',
      inUse: false,
      mutable: true,
      shared: false,
      size: 7,
      parents: [],
      createdMs: 1000,
      lastUsedMs: 2000,
      usageCount: 2,
    },
  ])
  {
    using _held = tryLock(`${folder}.lock`)
    assert.equal((await plain.records())[0]?.inUse, true)
    assert.equal(await plain.remove('git-key'), false)
  }
  assert.equal(await plain.remove('git-key'), true)
  assert.equal(existsSync(folder), false)
})
