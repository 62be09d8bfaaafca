import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type BakeAnswer, callBake, type RecordedCall, readCalls } from './bake-call.ts'
import { callReal, versionOf } from './record.ts'

const root = import.meta.dirname
const peer = process.env['SLIPWAY_PEER_BUILDX']
const cases = readdirSync(root, { withFileTypes: true })
  .filter(e => e.isDirectory())
  .map(e => e.name)

describe('bake answers as docker buildx 0.36.1 does', () => {
  for (const name of cases) {
    const folder = join(root, name)
    it(`in every call of ${name}`, async () => {
      for (const call of readCalls(folder)) {
        assert.deepEqual(await callBake(folder, call), call.ours ?? call.expected, titleOf(call))
      }
    })
  }
})

describe('the recorded answers are those of the installed docker buildx', () => {
  for (const name of cases) {
    const folder = join(root, name)
    const skip = peer === undefined ? 'SLIPWAY_PEER_BUILDX names no docker-buildx' : false
    it(`in every call of ${name}`, { skip }, () => {
      const version = versionOf(peer as string)
      for (const call of readCalls(folder)) {
        // What differs on purpose includes what the real tool itself answers differently from run to run.
        if (!call.from.includes(version) || call.ours !== undefined) continue
        const real: BakeAnswer = callReal(peer as string, folder, call)
        assert.deepEqual(real, call.expected, titleOf(call))
      }
    })
  }
})

function titleOf(call: RecordedCall): string {
  return `bake ${call.args.join(' ')}${call.stdin === undefined ? '' : `\n${call.stdin}`}`
}
