import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { lacks } from '../../support/need.ts'
import { peerPath } from '../../../scripts/setup/peers.ts'
import {
  type BuildersAnswer,
  type BuildersCall,
  comparable,
  ours,
  readCase,
  real,
  runCase,
  versionOf,
  wantedAnswer,
} from './builders-call.ts'

const root = import.meta.dirname
const peer = process.env['SLIPWAY_PEER_BUILDX'] ?? peerPath('docker-buildx-new')
const cases = readdirSync(root, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

describe('commands about builders answer as docker buildx 0.36.1 does', { concurrency: 4 }, () => {
  for (const name of cases) {
    it(`in every call of ${name}`, async () => {
      const { calls, ...options } = readCase(join(root, name))
      const answers = await runCase(options, calls, ours)
      for (const [i, call] of calls.entries()) {
        const [answer, wanted] = [answers[i] as BuildersAnswer, wantedAnswer(call)]
        assert.deepEqual(comparable(answer), comparable(wanted), titleOf(call))
        assert.equal(
          call.ours === undefined,
          call.why === undefined,
          `a difference without a reason: ${titleOf(call)}`,
        )
      }
    })
  }
})

// The real tool waits for most of the time.
describe('the recorded answers about builders are those of the installed docker buildx', {
  concurrency: 6,
}, () => {
  for (const name of cases) {
    const skip = peer === undefined ? 'docker-buildx could not be unpacked' : lacks({ time: true })
    it(`in every call of ${name}`, { skip }, async () => {
      const { calls, ...options } = readCase(join(root, name))
      const version = versionOf(peer as string)
      const answers = await runCase(options, calls, real(peer as string))
      for (const [i, call] of calls.entries())
        if (call.from.includes(version)) assert.deepEqual(answers[i], call.expected, titleOf(call))
    })
  }
})

const titleOf = (call: BuildersCall): string => `docker-buildx ${call.args.join(' ')}`
