import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { workerId } from './worker-id.ts'

it('the identity of a worker stays, and is only this process’s where nothing can be written', t => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-worker-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const id = workerId(join(dir, 'state'))
  assert.match(id, /^[a-z0-9]{25}$/)
  assert.equal(workerId(join(dir, 'state')), id)
  writeFileSync(join(dir, 'file'), '')
  assert.match(workerId(join(dir, 'file')), /^[a-z0-9]{25}$/)
})
