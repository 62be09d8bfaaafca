import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { callBake, caseNames, readCalls, titleOf } from './bake-call.ts'

describe('bake answers as docker buildx 0.36.1 does', () => {
  for (const name of caseNames()) {
    const folder = join(import.meta.dirname, name)
    it(`in every call of ${name}`, async () => {
      for (const call of readCalls(folder)) {
        assert.deepEqual(await callBake(folder, call), call.ours ?? call.expected, titleOf(call))
      }
    })
  }
})
