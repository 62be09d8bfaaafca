import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Platform } from '../oci/descriptor.ts'
import { platformWarnings } from './verify-platforms.ts'

const amd64: Platform = { os: 'linux', architecture: 'amd64' }
const arm64: Platform = { os: 'linux', architecture: 'arm64' }
const one = (platform: Platform) => ({ platforms: [platform], multiPlatform: false })
const both = { platforms: [amd64, arm64], multiPlatform: true }

test('A result with the platforms that were asked for gives no warning.', () => {
  assert.deepEqual(platformWarnings('linux/arm64,linux/amd64', both, amd64), [])
  assert.deepEqual(platformWarnings(undefined, one(amd64), amd64), [])
})

test('Other platforms than asked for are named.', () => {
  const cases: readonly [string | undefined, Parameters<typeof platformWarnings>[1], string][] = [
    ['linux/amd64,linux/arm64', one(amd64), 'Multiple platforms requested but result is not multi-platform'],
    [
      'linux/arm64',
      one(amd64),
      'Requested platform "linux/arm64" does not match result platform "linux/amd64"',
    ],
    [
      undefined,
      both,
      'Requested platforms linux/amd64 do not match result platforms linux/amd64,linux/arm64',
    ],
    ['linux/amd64,linux/amd64', both, 'Duplicate platform result requested "linux/amd64"'],
  ]
  for (const [requested, made, warning] of cases)
    assert.deepEqual(platformWarnings(requested, made, amd64), [warning])
})

test('A version of the system in the result only is no other platform.', () => {
  const windows: Platform = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.1' }
  assert.deepEqual(platformWarnings('windows/amd64', one(windows), amd64), [])
})
