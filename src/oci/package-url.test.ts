import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packageUrl } from './package-url.ts'

test('package URLs escape colons in names and not in digests', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  assert.equal(
    packageUrl('docker', `localhost:5000/app@${digest}`, undefined, [['ref_type', 'blob']]),
    `pkg:docker/localhost%3A5000/app?digest=${digest}&ref_type=blob`,
  )
  assert.equal(
    packageUrl('docker', 'alpine:3.22', { os: 'linux', architecture: 'amd64' }),
    'pkg:docker/alpine@3.22?platform=linux%2Famd64',
  )
})
