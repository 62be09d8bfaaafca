import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { checkLocalDelete, parseGrants } from './build-entitlements.ts'
import { extraHosts } from './extra-hosts.ts'
import { attestRequests, parseAttestEntries } from '../bake/attrs/attest-entry.ts'
import { frontendAttributes, frontendName } from './frontend-attributes.ts'
import type { BuildRequest } from './build-request.ts'
import { attestsOf } from './request-from-flags.ts'

describe('--allow', () => {
  it('takes privileges of builders and keeps its own apart', () => {
    const grants = parseGrants(['network.host', '', 'device=vendor.com/x=a,alias=b', 'buildx.local.delete'])
    assert.deepEqual(grants, { allow: ['network.host', 'device=vendor.com/x=a,alias=b'], localDelete: true })
  })
  it('refuses what it does not know, in the words of the real tool', () => {
    const table = [
      ['foo', 'unknown entitlement foo'],
      ['network.host=x', 'unknown entitlement network.host=x'],
      ['buildx.local.delete=1', 'buildx.local.delete does not accept a value'],
      ['device=a,b', 'invalid device config "b"'],
      ['device=a,b=c', 'unknown device config key "b"'],
    ] as const
    for (const [value, message] of table) assert.throws(() => parseGrants([value]), { message })
  })
})

describe('outputs that remove files', () => {
  const local = (path: string, mode: string) =>
    [{ type: 'local', attrs: { mode }, target: { kind: 'directory' as const, path } }] as const

  it('may do so below the working directory without being allowed', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'slipway-delete-'))
    try {
      checkLocalDelete(local(join(cwd, 'out', 'deep'), 'delete'), false, cwd)
      for (const path of [cwd, join(cwd, '..'), '/etc'])
        assert.throws(
          () => checkLocalDelete(local(path, 'delete'), false, cwd),
          /requires --allow=buildx.local.delete/,
        )
      checkLocalDelete(local('/etc', 'delete'), true, cwd)
      checkLocalDelete(local('/etc', 'copy'), false, cwd)
      mkdirSync(join(cwd, 'a'))
      symlinkSync('/etc', join(cwd, 'a', 'link'))
      assert.throws(
        () => checkLocalDelete(local(join(cwd, 'a', 'link', 'x'), 'delete'), false, cwd),
        /requires/,
      )
    } finally {
      rmSync(cwd, { recursive: true })
    }
  })
  it('have one of two modes', () => {
    assert.throws(() => checkLocalDelete(local('/x', 'foo'), true, '/'), {
      message: /invalid local exporter mode "foo"/,
    })
  })
})

describe('--add-host', () => {
  it('takes both signs, brackets and several addresses', () => {
    assert.deepEqual(extraHosts(['a:1.2.3.4', 'b=[::1],::2', 'c:::3', 'd=host-gateway']), [
      'a=1.2.3.4',
      'b=::1',
      'b=::2',
      'c=::3',
      'd=host-gateway',
    ])
  })
  it('refuses what is no address', () => {
    for (const value of ['a', 'a=', '=1.2.3.4', 'a:1.2.3.4.5', 'a=fe80::1%eth0'])
      assert.throws(() => extraHosts([value]), { message: `invalid host ${value}` })
  })
})

describe('the frontend', () => {
  const request = (buildArgs: Record<string, string>): BuildRequest => ({
    context: '.',
    contexts: {},
    platforms: [],
    tags: [],
    buildArgs,
    labels: {},
    noCache: false,
    noCacheFilter: [],
    pull: false,
    outputs: [],
    cacheFrom: [],
    cacheTo: [],
    secrets: [],
    ssh: [],
    attests: {},
    allow: [],
    extraHosts: [],
    ulimits: [],
    resources: {},
  })

  it('is an image where the argument BUILDKIT_SYNTAX names one', () => {
    assert.equal(frontendName(request({})), 'dockerfile.v0')
    const given = request({ BUILDKIT_SYNTAX: 'me/front:1 --opt', BUILDKIT_MULTI_PLATFORM: '1' })
    assert.equal(frontendName(given), 'gateway.v0')
    assert.deepEqual(frontendAttributes(given), {
      'build-arg:BUILDKIT_SYNTAX': 'me/front:1 --opt',
      'build-arg:BUILDKIT_MULTI_PLATFORM': '1',
      'multi-platform': 'true',
      source: 'me/front:1',
      cmdline: 'me/front:1 --opt',
    })
    assert.throws(
      () => frontendName(request({ BUILDKIT_SYNTAX: ' ' })),
      /empty BUILDKIT_SYNTAX build-arg is invalid/,
    )
  })
})

it('attestations are told with their type, as buildx tells them; the default one has none', () => {
  const entries = parseAttestEntries(['type=sbom,generator=me/scan', 'type=provenance,mode=max'])
  assert.deepEqual(attestsOf(attestRequests(entries), {}), {
    sbom: 'type=sbom,generator=me/scan',
    provenance: 'type=provenance,mode=max',
  })
  assert.deepEqual(attestsOf(new Map(), {}), { provenance: 'mode=min,inline-only=true' })
  assert.deepEqual(attestsOf(new Map(), { BUILDX_NO_DEFAULT_ATTESTATIONS: 'true' }), {})
  assert.throws(() => attestsOf(new Map(), { BUILDX_NO_DEFAULT_ATTESTATIONS: 'x' }), {
    message: 'invalid BUILDX_NO_DEFAULT_ATTESTATIONS: strconv.ParseBool: parsing "x": invalid syntax',
  })
})
