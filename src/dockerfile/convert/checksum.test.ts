import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readChecksum } from './checksum.ts'

test('Checksums of downloads are SHA-256 digests, others are refused in the words of go-digest.', () => {
  const right = `sha256:${'0a'.repeat(32)}`
  assert.equal(readChecksum(right), right)
  const refused: readonly (readonly [string, string])[] = [
    ['0a0a', 'invalid checksum digest format'],
    ['md5:0a', 'unsupported digest algorithm'],
    ['sha256:0a', 'invalid checksum digest length'],
    ['sha512:0a', 'invalid checksum digest length'],
    [`sha512:${'0a'.repeat(64)}`, 'unsupported digest algorithm'],
    [`sha256:${'0A'.repeat(32)}`, 'invalid checksum digest format'],
  ]
  for (const [text, message] of refused)
    assert.throws(() => readChecksum(text), { code: 'invalid-argument', message })
})
