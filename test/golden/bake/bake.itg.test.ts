import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { lacks } from '../../support/need.ts'
import { peerPath } from '../../../scripts/setup/peers.ts'
import { caseNames, readCalls, type RecordedCall, titleOf } from './bake-call.ts'
import { callReal, versionOf } from './record.ts'

// The real tool: one that is named answers every call (a minute of work), the one that set-up unpacks every eighth, in CI
// every fortieth.
const named = process.env['SLIPWAY_PEER_BUILDX']
const every = named !== undefined ? 1 : process.env['CI'] === undefined ? 8 : 40
const skip = named === undefined ? lacks({ peers: ['docker-buildx-new'] }) : false

/** Of several mistakes in a file, and of outputs in a list, the real tool says any first: so often it is asked again. */
const attempts = 8

describe('the recorded answers are those of the real docker buildx', { skip }, () => {
  for (const name of caseNames()) {
    it(`in calls of ${name}`, () => {
      const binary = named ?? peerPath('docker-buildx-new') ?? ''
      const version = versionOf(binary)
      const folder = join(import.meta.dirname, name)
      readCalls(folder).forEach((call, i) => {
        // What differs on purpose includes what the real tool itself answers differently from run to run.
        if (i % every === 0 && call.from.includes(version) && call.ours === undefined)
          assertAnswer(binary, folder, call)
      })
    })
  }
})

function assertAnswer(binary: string, folder: string, call: RecordedCall): void {
  for (let i = 1; i < attempts; i++)
    if (isDeepStrictEqual(callReal(binary, folder, call), call.expected)) return
  assert.deepEqual(callReal(binary, folder, call), call.expected, titleOf(call))
}
