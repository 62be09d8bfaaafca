import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { buildDetails, failedDetails, withBuildRef } from './build-details.ts'
import { printError } from './print-error.ts'

const url = 'docker-desktop://dashboard/build/b/n/id'

function desktopHome(remove: (work: () => void) => void, isUsed = true): string {
  const home = mkdtempSync(join(tmpdir(), 'slipway-details-'))
  remove(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, '.docker/desktop-build'), { recursive: true })
  if (isUsed) writeFileSync(join(home, '.docker/desktop-build/.lastaccess'), '')
  return home
}

describe('a build', () => {
  it('leads to Docker Desktop where that is used, by a link on terminals', t => {
    const shown = (HOME: string | undefined, isTTY = false): string =>
      buildDetails({ env: { HOME }, stderr: { isTTY } } as never, new Map([['default', 'b/n/id']]))
    assert.deepEqual([shown(undefined), shown(desktopHome(work => t.after(work), false))], ['', ''])
    const home = desktopHome(work => t.after(work))
    assert.equal(shown(home), `\nView build details: ${url}\n`)
    assert.equal(
      shown(home, true),
      `\nView build details: \u001b]8;;${url}\u001b\\${url}\u001b]8;;\u001b\\\n`,
    )
  })

  it('is named by its target where there are several', t => {
    const host = { env: { HOME: desktopHome(work => t.after(work)) }, stderr: { isTTY: false } } as never
    const refs = new Map([
      ['x', 'b/n/id'],
      ['y', 'b/n/other'],
    ])
    assert.equal(
      buildDetails(host, refs),
      `\nView build details: \n  x: ${url}\n  y: docker-desktop://dashboard/build/b/n/other\n`,
    )
    assert.equal(buildDetails(host, new Map()), '')
  })

  it('that failed leads there, too, after the error', t => {
    let text = ''
    const stderr = { isTTY: false, write: (part: string) => void (text += part) }
    const host = { env: { HOME: desktopHome(work => t.after(work)) }, stderr } as never
    const plain = new SlipwayError('unavailable', 'it failed', { hint: 'again', exitCode: 7 })
    const error = wrapError('failed to build', withBuildRef(plain, 'b/n/id'))
    assert.equal(printError(host, error, { debug: false }), 7)
    assert.equal(text, `ERROR: failed to build: it failed\nhint: again\n\nView build details: ${url}\n`)
    assert.equal(failedDetails(host, plain), '')
  })
})
