import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import { parseDigest } from './digest.ts'
import {
  familiarReference,
  formatReference,
  isTag,
  parsePullReference,
  parseReference,
  trimReference,
  withDefaultTag,
  withDigest,
  withTag,
} from './reference.ts'

const hex = 'e'.repeat(64)
const good: readonly [text: string, full: string, familiar: string][] = [
  ['alpine', 'docker.io/library/alpine', 'alpine'],
  ['alpine:3.12', 'docker.io/library/alpine:3.12', 'alpine:3.12'],
  ['docker.io/alpine', 'docker.io/library/alpine', 'alpine'],
  ['index.docker.io/me/app', 'docker.io/me/app', 'me/app'],
  ['me/app', 'docker.io/me/app', 'me/app'],
  ['library/a/b', 'docker.io/library/a/b', 'library/a/b'],
  ['localhost/app', 'localhost/app', 'localhost/app'],
  ['localhost:5000/app:1', 'localhost:5000/app:1', 'localhost:5000/app:1'],
  ['LOCALHOST/app', 'LOCALHOST/app', 'LOCALHOST/app'],
  ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
  ['10.0.0.1/a__b/c--d.e', '10.0.0.1/a__b/c--d.e', '10.0.0.1/a__b/c--d.e'],
  [`app@sha256:${hex}`, `docker.io/library/app@sha256:${hex}`, `app@sha256:${hex}`],
  [`ghcr.io/a/b:t@sha256:${hex}`, `ghcr.io/a/b:t@sha256:${hex}`, `ghcr.io/a/b:t@sha256:${hex}`],
]

describe('parseReference', () => {
  for (const [text, full, familiar] of good) {
    it(`reads ${text}`, () => {
      assert.equal(formatReference(parseReference(text)), full)
      assert.equal(familiarReference(parseReference(text)), familiar)
    })
  }

  const format = 'invalid reference format'
  const bad: readonly [text: string, message: string][] = [
    ['', format],
    ['a:', format],
    [':tag', format],
    ['a b', format],
    ['a//b', format],
    ['-a', format],
    ['a/../b', format],
    ['a..b', format],
    ['a___b', format],
    [`a:${'t'.repeat(129)}`, format],
    ['a@sha256:1234', format],
    ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
    ['me/Foo:x', 'invalid reference format: repository name (me/Foo) must be lowercase'],
    ['example.com/Foo', 'invalid reference format: repository name (Foo) must be lowercase'],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    [`example.com/${'a'.repeat(256)}`, 'repository name must not be more than 255 characters'],
    [`a@sha256:${'e'.repeat(40)}`, 'invalid checksum digest length'],
    [`a@sha256:${'E'.repeat(64)}`, 'invalid checksum digest format'],
    [`a@md5:${'e'.repeat(32)}`, 'unsupported digest algorithm'],
  ]
  for (const [text, message] of bad) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(() => parseReference(text), { code: 'invalid-argument', message })
    })
  }

  it('answers within a moment for a megabyte of anything', () => {
    for (const text of ['a'.repeat(1e6), 'a-'.repeat(5e5), `${'a.'.repeat(5e5)}/b`, '/'.repeat(1e6)]) {
      assert.throws(() => parseReference(text), { code: 'invalid-argument' })
    }
  })

  it('gives back what it formatted, in the full and in the familiar form', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,5}([._]|__|-{1,3})?[a-z0-9]{1,5}(\/[a-z0-9]{1,5}){0,2}$/)
    const domain = fc.constantFrom('', 'docker.io/', 'localhost/', 'localhost:1/', 'a.example/', '[::1]:80/')
    const tag = fc.option(fc.stringMatching(/^:[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/), { nil: '' })
    fc.assert(
      fc.property(domain, name, tag, (d, n, t) => {
        const reference = parseReference(`${d}${n}${t}`)
        assert.deepEqual(parseReference(formatReference(reference)), reference)
        // A dot makes docker take the first part of the familiar form for a registry.
        if (!n.split('/', 1)[0]?.includes('.')) {
          assert.deepEqual(parseReference(familiarReference(reference)), reference)
        }
      }),
    )
  })
})

describe('parts of references', () => {
  const digest = parseDigest(`sha256:${hex}`)

  it('adds the default tag only where there is neither tag nor digest', () => {
    assert.equal(withDefaultTag(parseReference('a')).tag, 'latest')
    assert.equal(withDefaultTag(parseReference('a:b')).tag, 'b')
    assert.equal(withDefaultTag(parseReference(`a@${digest}`)).tag, undefined)
  })

  it('keeps the tag of what is pulled by its digest', () => {
    assert.equal(formatReference(parsePullReference(`a:b@${digest}`)), `docker.io/library/a:b@${digest}`)
    assert.equal(formatReference(parsePullReference(`a@${digest}`)), `docker.io/library/a@${digest}`)
    assert.equal(formatReference(parsePullReference('a')), 'docker.io/library/a:latest')
  })

  it('replaces tag and digest, and checks tags', () => {
    const reference = withDigest(withTag(parseReference('a:b'), 'c'), digest)
    assert.equal(familiarReference(reference), `a:c@${digest}`)
    assert.equal(familiarReference(trimReference(reference)), 'a')
    assert.throws(() => withTag(reference, '.x'), { message: 'invalid tag format' })
    assert.equal(isTag('v1.0_x-y'), true)
    assert.equal(isTag('a/b'), false)
  })
})
