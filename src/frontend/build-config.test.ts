import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseBuildConfig } from './build-config.ts'
import { missingCapability } from './capabilities.ts'
import { isBuiltInSyntax } from './syntax-image.ts'

const linux = { os: 'linux', architecture: 'amd64' }
const facts = { sessionId: 's', platforms: [linux], hostPlatform: linux }
const parse = (attributes: Record<string, string>) => parseBuildConfig(attributes, facts)

describe('parseBuildConfig', () => {
  it('reads what buildx sends', () => {
    const config = parse({
      platform: 'linux/arm64,linux/arm',
      target: 't',
      'build-arg:A': '1',
      'label:L': '2',
      'no-cache': 'a,b',
      'add-hosts': 'H=1.2.3.4,b=0:0::1,c=::ffff:1.2.3.4',
      'image-resolve-mode': 'pull',
      'force-network-mode': 'none',
      'shm-size': '1024',
      ulimit: 'nofile=1:2,nproc=3',
      memory: '10',
      cpusetcpus: '0-3,5',
      'cache-imports': '[{"Type":"registry","Attrs":{"ref":"r"}}]',
      'local-sessionid:x': 'other',
      'build-arg:BUILDKIT_SANDBOX_HOSTNAME': 'box',
    })
    assert.deepEqual(config.targetPlatforms, [
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ])
    assert.equal(config.multiPlatform, true)
    assert.deepEqual(config.noCache, ['a', 'b'])
    assert.deepEqual(
      config.extraHosts.map(({ host, ip }) => `${host} ${ip}`),
      ['h 1.2.3.4', 'b ::1', 'c 1.2.3.4'],
    )
    assert.deepEqual(config.ulimits, [
      { name: 'nofile', soft: 1n, hard: 2n },
      { name: 'nproc', soft: 3n, hard: 3n },
    ])
    assert.deepEqual([config.linuxResources?.memory, config.linuxResources?.cpusetCpus], [10n, '0-3,5'])
    assert.deepEqual(config.cacheImports, [{ type: 'registry', attributes: { ref: 'r' } }])
    assert.deepEqual([config.buildArgs['A'], config.labels, config.hostname], ['1', { L: '2' }, 'box'])
  })

  const problems: readonly (readonly [Record<string, string>, string])[] = [
    [{ 'image-resolve-mode': 'x' }, 'invalid image-resolve-mode: x'],
    [{ 'add-hosts': 'A' }, 'failed to parse additional hosts: invalid key-value pair A'],
    [{ 'add-hosts': 'A=x' }, 'failed to parse additional hosts: failed to parse IP x'],
    [{ 'shm-size': '1k' }, 'failed to parse shm size: strconv.ParseInt: parsing "1k": invalid syntax'],
    [{ ulimit: 'x=1' }, 'failed to parse ulimit: invalid ulimit type: x'],
    [
      { ulimit: 'nofile=5:3' },
      'failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: 5 > 3',
    ],
    [{ 'force-network-mode': 'x' }, 'invalid netmode x'],
    [{ memory: '0' }, 'failed to parse resource limits: invalid memory value: 0: must be > 0'],
    [
      { cpusetcpus: '3-1' },
      'failed to parse resource limits: invalid cpusetcpus value: 3-1: invalid cpuset range "3-1"',
    ],
    [{ 'multi-platform': 'x' }, 'invalid boolean value for multi-platform: x'],
    [
      { platform: 'linux/amd64,linux/arm64', 'multi-platform': '0' },
      'conflicting config: returning multiple target platforms is not allowed',
    ],
    [{ 'attest:x': '' }, 'unknown attestation type "x"'],
    [
      { 'build-arg:BUILDKIT_DOCKERFILE_CHECK': 'x' },
      'failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: invalid check option "x"',
    ],
  ]
  for (const [attributes, message] of problems) {
    it(`refuses ${JSON.stringify(attributes)}`, () => {
      assert.throws(() => parse(attributes), { code: 'invalid-argument', message })
    })
  }

  it('finds a bill of materials in attributes and in build args', () => {
    assert.deepEqual(parse({ 'attest:sbom': '' }).sbom, {
      generator: 'docker.io/docker/buildkit-syft-scanner:stable-1',
      isDefault: true,
      parameters: {},
    })
    assert.deepEqual(parse({ 'build-arg:BUILDKIT_ATTEST_SBOM': 'generator=me/scan,A=b' }).sbom, {
      generator: 'docker.io/me/scan:latest',
      parameters: { A: 'b' },
    })
    assert.equal(parse({ 'attest:provenance': 'mode=max' }).sbom, undefined)
    assert.throws(() => parse({ 'attest:sbom': 'generator=' }), { message: 'sbom generator cannot be empty' })
    assert.throws(() => parse({ 'attest:sbom': 'generator=A@@B' }), {
      message: /^failed to parse sbom generator A@@B: invalid reference format/,
    })
  })
})

describe('syntax images', () => {
  it('are built in up to the version that this frontend equals', () => {
    for (const name of ['docker/dockerfile', 'docker/dockerfile:1', 'docker.io/docker/dockerfile:1.7-labs']) {
      assert.equal(isBuiltInSyntax(name), true, name)
    }
    assert.equal(isBuiltInSyntax(`docker/dockerfile:1@sha256:${'a'.repeat(64)}`), true)
    for (const name of [
      'docker/dockerfile:2',
      'docker/dockerfile:1.99',
      'me/dockerfile:1',
      'docker/dockerfile:master',
    ]) {
      assert.equal(isBuiltInSyntax(name), false, name)
    }
    assert.equal(isBuiltInSyntax(`docker/dockerfile@sha256:${'a'.repeat(64)}`), false)
  })
})

describe('frontend capabilities', () => {
  it('that are unknown are refused, or left to another frontend', () => {
    assert.equal(
      missingCapability('moby.buildkit.frontend.contexts+forward,moby.buildkit.frontend.inputs'),
      undefined,
    )
    assert.equal(missingCapability('x+forward')?.mayForward, true)
    assert.equal(missingCapability('x+forward,y')?.error.message, 'unsupported frontend capability y')
    assert.equal(missingCapability('y')?.mayForward, false)
  })
})
