import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalSource } from './canonical-source.ts'

const nameOf = (identifier: string, attrs: Record<string, string> = {}): string =>
  canonicalSource({ identifier, attrs }).identifier

test('policies see images by their full names', () => {
  assert.equal(nameOf('docker-image://alpine'), 'docker-image://docker.io/library/alpine:latest')
  const full = { identifier: 'docker-image://docker.io/library/alpine:3', attrs: {} }
  assert.equal(canonicalSource(full), full)
})

test('policies see repositories by the host that is asked, and paths without detours', () => {
  const canonical = 'git://github.com/user/repo.git#main:absolute/path'
  assert.equal(nameOf('git://github.com/user/repo.git#main:../absolute/path'), canonical)
  assert.equal(nameOf('git://github.com/user/../user//repo.git#main:absolute/./path'), canonical)
  const fullurl = 'https://user:word@other.com:8443/u/r.git'
  assert.equal(
    nameOf('git://github.com/u/r.git#main', { 'git.fullurl': fullurl }),
    'git://other.com:8443/u/r.git#main',
  )
  assert.equal(nameOf('git://x', { 'git.fullurl': 'git@host:u/r.git' }), 'git://host/u/r.git')
})

test('what has no meaning stays as it is', () => {
  for (const name of ['docker-image://UPPER case', 'local://x', 'nothing', 'https://a/../b'])
    assert.equal(nameOf(name), name)
})
