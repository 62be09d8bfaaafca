import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type koffi from 'koffi'
import { libc } from './libc.ts'
import { notifyService } from './notify-service.ts'

it('A service manager hears of the state of a process.', () => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-notify-'))
  const path = join(dir, 'notify')
  const bind = (createRequire(import.meta.url)('koffi') as typeof koffi)
    .load(null)
    .func('int bind(int fd, const void *address, uint32_t size)') as (...args: unknown[]) => number
  const fd = libc().socket(1, 2, 0)
  try {
    const address = Buffer.concat([Buffer.from(new Uint16Array([1]).buffer), Buffer.from(`${path}\0`)])
    assert.equal(bind(fd, address, address.length), 0)
    assert.equal(notifyService(path, 'READY=1'), true)
    const got = Buffer.alloc(100)
    assert.equal(got.toString('utf8', 0, readSync(fd, got)), 'READY=1')
    assert.equal(notifyService(join(dir, 'nobody'), 'READY=1'), false)
    assert.equal(notifyService('', 'READY=1'), false)
  } finally {
    closeSync(fd)
    rmSync(dir, { recursive: true })
  }
})
