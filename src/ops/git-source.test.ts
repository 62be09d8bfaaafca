import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGitIdentifier } from './git-source.ts'

test('Bundles are read from attributes that make sense only.', () => {
  const checksum = 'a'.repeat(40)
  const digest = `sha256:${'b'.repeat(64)}`
  const parse = (attrs: Record<string, string>, rest = 'example.com/r.git') => parseGitIdentifier(rest, attrs)
  const found = parse({ 'git.bundle': `oci-layout+blob://not/real@${digest}`, 'git.checksum': checksum })
  assert.deepEqual([found.bundle?.digest, found.bundle?.store?.storeId], [digest, 'not/real'])
  const registry = `docker-image+blob://example.com/bundle@${digest}`
  assert.equal(parse({ 'git.bundle': registry, 'git.checksum': checksum }).bundle?.store, undefined)
  const failing = (attrs: Record<string, string>, message: string | RegExp, rest?: string): void => {
    assert.throws(() => parse(attrs, rest), { code: 'invalid-argument', message })
  }
  failing({ 'git.bundle': registry }, 'git.bundle requires git.checksum to be set')
  failing(
    { 'git.bundle': `https://x@${digest}`, 'git.checksum': checksum },
    /scheme "https" is not supported/,
  )
  failing({ 'git.bundle': 'docker-image+blob://x', 'git.checksum': checksum }, /invalid digest/)
  const other = `example.com/r.git#${'c'.repeat(40)}`
  failing({ 'git.bundle': registry, 'git.checksum': checksum }, /^expected checksum to match/, other)
  const both = { 'git.checkoutbundle': 'true', 'git.keepgitdir': 'true' }
  failing(both, 'git.checkoutbundle is incompatible with git.keepgitdir')
  failing(
    { 'git.checkoutbundle': 'true' },
    'git.checkoutbundle is incompatible with git.subdir',
    'e.com/r.git#m:dir',
  )
})
