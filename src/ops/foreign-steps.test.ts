import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlipwayError } from '../errors/slipway-error.ts'
import { checkBefore, explainAfter, type PlatformCheck } from './foreign-steps.ts'

const arm64 = { os: 'linux', architecture: 'arm64' }

const check = (foreignSteps: PlatformCheck['foreignSteps']): PlatformCheck => ({
  foreignSteps,
  checkPlatform({ architecture }) {
    if (architecture === 'amd64') return
    throw new SlipwayError('failed-precondition', `no support for ${architecture}`, { hint: 'register one' })
  },
})

test('A step for another platform is refused before it runs, or tried.', () => {
  assert.throws(() => checkBefore(arm64, check('refuse')), { message: 'no support for arm64' })
  checkBefore(arm64, check('try'))
})

test('Where the kernel did not know what to do with the program of a tried step, the hint says what is missing.', () => {
  const status = { code: 255, hint: 'exec format error' }
  const hint = 'no support for arm64: register one'
  assert.deepEqual(explainAfter(status, arm64, check('try')), { code: 255, hint })
  assert.deepEqual(explainAfter(status, { ...arm64, architecture: 'amd64' }, check('try')), status)
  assert.deepEqual(explainAfter({ code: 1 }, arm64, check('try')), { code: 1 })
})
