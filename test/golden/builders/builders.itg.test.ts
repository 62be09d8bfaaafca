import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
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
const peer = process.env['SLIPWAY_PEER_BUILDX']
const cases = readdirSync(root, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

describe('commands about builders answer as docker buildx 0.36.1 does', () => {
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

describe('the recorded answers about builders are those of the installed docker buildx', () => {
  for (const name of cases) {
    const skip = peer === undefined ? 'SLIPWAY_PEER_BUILDX names no docker-buildx' : false
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
