import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processIdentity } from '../../sys/process-identity.ts'
import { removeAbandonedProbes } from './probe.ts'

test('What a killed probe left is removed after a while, and nothing else.', () => {
  const place = mkdtempSync(join(tmpdir(), 'slipway-binfmt-'))
  try {
    const { pid, startTime } = processIdentity() ?? { pid: process.pid, startTime: 0 }
    const dead = 'slipway-probe-4194305-7-abcdef'
    const alive = `slipway-probe-${pid}-${startTime}-abcdef`
    const full = 'slipway-probe-4194305-8-abcdef'
    for (const name of [dead, alive, full, 'other']) mkdirSync(join(place, name))
    writeFileSync(join(place, dead, 'program'), '')
    writeFileSync(join(place, full, 'somebody else'), '')
    removeAbandonedProbes(place, Date.now())
    assert.equal(readdirSync(place).length, 4)
    removeAbandonedProbes(place, Date.now() + 20_000)
    assert.deepEqual(readdirSync(place).sort(), ['other', alive, full].sort())
  } finally {
    rmSync(place, { recursive: true })
  }
})
