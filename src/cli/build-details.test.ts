import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { buildDetails } from './build-details.ts'

it('a build leads to Docker Desktop where that is used, by a link on terminals', t => {
  const home = mkdtempSync(join(tmpdir(), 'slipway-details-'))
  t.after(() => rmSync(home, { recursive: true }))
  const shown = (HOME: string | undefined, isTTY = false): string =>
    buildDetails({ env: { HOME }, stderr: { isTTY } } as never, 'b/n/id')
  assert.deepEqual([shown(undefined), shown(home)], ['', ''])
  mkdirSync(join(home, '.docker/desktop-build'), { recursive: true })
  writeFileSync(join(home, '.docker/desktop-build/.lastaccess'), '')
  const url = 'docker-desktop://dashboard/build/b/n/id'
  assert.equal(shown(home), `\nView build details: ${url}\n`)
  assert.equal(shown(home, true), `\nView build details: \u001b]8;;${url}\u001b\\${url}\u001b]8;;\u001b\\\n`)
})
