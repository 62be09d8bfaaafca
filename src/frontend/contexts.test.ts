import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SlipwayError } from '../errors/slipway-error.ts'
import { execState } from '../llb/exec.ts'
import { decodeOp } from '../llb/head.ts'
import { marshal } from '../llb/marshal.ts'
import { image } from '../llb/source.ts'
import { digestOf } from '../oci/digest.ts'
import { buildDockerfile } from './build-dockerfile.ts'
import { createMemoryBridge, type MemoryBridge, type MemoryBridgeOptions } from './memory-bridge.ts'

const linux = { os: 'linux', architecture: 'amd64' }
const config = {
  ...linux,
  config: { Env: ['N=1'] },
  rootfs: { type: 'layers', diff_ids: [digestOf('x')] },
  history: [],
}
const images = { 'docker.io/library/alpine:latest': config, 'docker.io/library/busybox:1': config }
const simple = 'FROM alpine\nCOPY a b\n'

async function build(attributes: Record<string, string>, options: MemoryBridgeOptions) {
  const bridge = createMemoryBridge({ images, ...options })
  const result = await buildDockerfile(bridge, attributes, { uniqueId: 'u' })
  return { bridge, result }
}

const withFile = (text: string): MemoryBridgeOptions => ({
  files: { 'local://dockerfile': { Dockerfile: text } },
})

function sources(bridge: MemoryBridge) {
  const ops = bridge.solved.flatMap(definition => definition.def.map(decodeOp))
  return ops.flatMap(({ op }) => (op.case === 'source' ? [op.value] : []))
}

const identifiers = (bridge: MemoryBridge): string[] => [...new Set(sources(bridge).map(s => s.identifier))]

describe('the main context', () => {
  it('may be a Git repository, with the Dockerfile in it', async () => {
    const files = { 'git://h/a/b.git#main:docs': { Dockerfile: simple } }
    const { bridge } = await build({ context: 'https://h/a/b.git#main:docs' }, { files })
    assert.deepEqual(identifiers(bridge).slice(0, 1), ['git://h/a/b.git#main:docs'])
    assert.ok(!identifiers(bridge).some(id => id.startsWith('local:')))
  })

  it('may be a lone Dockerfile from the web', async () => {
    const { bridge } = await build(
      { context: 'https://h/x' },
      { files: { 'https://h/x': { context: simple } } },
    )
    assert.deepEqual(identifiers(bridge), [
      'https://h/x',
      `docker-image://docker.io/library/alpine:latest@${digestOf('docker.io/library/alpine:latest')}`,
    ])
  })

  it('may be an archive from the web, which is unpacked', async () => {
    const files = { 'https://h/x': { context: gzipSync('x') } }
    const bridge = createMemoryBridge({ images, files })
    const attempt = buildDockerfile(bridge, { context: 'https://h/x' }, { uniqueId: 'u' })
    await assert.rejects(attempt, { message: /^failed to read dockerfile: / })
    const last = bridge.solved.at(-1)?.def.map(decodeOp)[1]?.op
    const action = last?.case === 'file' ? last.value.actions[0]?.action : undefined
    assert.equal(action?.case === 'copy' && action.value.attemptUnpackDockerCompatibility, true)
  })

  it('may be a tree that the client gives', async () => {
    const tree = marshal(image('debian:12', { platform: linux }).output, {
      platform: linux,
      localUniqueId: 'u',
    })
    const { bridge } = await build({}, { ...withFile(simple), inputs: { context: tree } })
    assert.ok(identifiers(bridge).includes('docker-image://docker.io/library/debian:12'))
    assert.ok(!identifiers(bridge).includes('local://context'))
  })

  it('has a Dockerfile in lower case too, and says which one is missing', async () => {
    await build({}, { files: { 'local://dockerfile': { 'sub/dockerfile': 'FROM scratch\n' } } }).catch(
      () => {},
    )
    await build(
      { filename: 'sub/Dockerfile' },
      { files: { 'local://dockerfile': { 'sub/dockerfile': 'FROM scratch\n' } } },
    )
    await assert.rejects(build({ filename: 'x.Dockerfile' }, {}), {
      message: 'failed to read dockerfile: open x.Dockerfile: no such file or directory',
    })
  })

  it('obeys the ignore file beside the Dockerfile before its own', async () => {
    const excluded = async (files: MemoryBridgeOptions['files']) => {
      const { bridge } = await build({}, { files: files ?? {} })
      return sources(bridge).find(s => s.attrs['local.followpaths'] === '["a"]')?.attrs[
        'local.excludepatterns'
      ]
    }
    const dockerfile = { Dockerfile: simple }
    const context = { '.dockerignore': '/x\n' }
    assert.equal(await excluded({ 'local://dockerfile': dockerfile, 'local://context': context }), '["x"]')
    const own = { ...dockerfile, 'Dockerfile.dockerignore': '!y\n' }
    assert.equal(await excluded({ 'local://dockerfile': own, 'local://context': context }), '["!y"]')
  })

  it('gives its time to SOURCE_DATE_EPOCH', async () => {
    const commitObject = new TextEncoder().encode(
      'tree x\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 1700000000 +0100\n\ncommitter X <x> 5 +0000\n',
    )
    const id = 'git://h/a/b.git'
    const { result } = await build(
      { context: 'https://h/a/b.git', 'build-arg:SOURCE_DATE_EPOCH': 'context' },
      { files: { [id]: { Dockerfile: simple } }, sources: { [id]: { git: { commitObject } } } },
    )
    assert.equal(new TextDecoder().decode(result.metadata.get('source.date.epoch')), '1700000000')
  })

  it('gives the time of its newest file to SOURCE_DATE_EPOCH, where a server says nothing of an archive', async () => {
    const id = 'http://h/c.tar'
    const epoch = async (options: MemoryBridgeOptions): Promise<string> => {
      const { result } = await build({ context: id, 'build-arg:SOURCE_DATE_EPOCH': 'context' }, options)
      return new TextDecoder().decode(result.metadata.get('source.date.epoch'))
    }
    // What is unpacked is no source, and has no identifier.
    const files = { [id]: { context: gzipSync('a tar') }, '': { Dockerfile: simple } }
    const archiveTimes = { [id]: { context: 1_700_000_302 } }
    const http = { lastModified: 1_700_000_001 }
    assert.equal(
      await epoch({ files, archiveTimes, sources: { [id]: { http: { lastModified: undefined } } } }),
      '1700000302',
    )
    assert.equal(await epoch({ files, archiveTimes, sources: { [id]: { http } } }), '1700000001')
    assert.equal(await epoch({ files, sources: { [id]: { http: { lastModified: undefined } } } }), '')
  })

  it('tells a missing Dockerfile from a missing repository', async () => {
    const message = 'repository does not contain ref refs/heads/x, output: ""'
    const bridge = createMemoryBridge()
    bridge.readFile = async () => {
      throw new SlipwayError('not-found', message)
    }
    const attributes = { context: 'https://h/a/b.git?branch=x' }
    await assert.rejects(buildDockerfile(bridge, attributes, { uniqueId: 'u' }), {
      message: `failed to read dockerfile: ${message}`,
    })
  })
})

describe('named contexts', () => {
  it('replace images, the more exact name first', async () => {
    const attributes = {
      platform: 'linux/amd64,linux/arm64',
      'context:alpine::linux/arm64': 'docker-image://busybox:1',
    }
    const { bridge } = await build(attributes, withFile('FROM alpine\nRUN 1\n'))
    assert.deepEqual(bridge.lookups.map(l => l.logName).sort(), [
      '[context alpine::linux/arm64] load metadata for busybox:1',
      '[linux/amd64 internal] load metadata for docker.io/library/alpine:latest',
    ])
  })

  it('of local directories transfer what is used, with their own ignore file and session', async () => {
    const attributes = {
      'context:src': 'local:dir',
      'sharedkey:localdir:src': 'k',
      'local-sessionid:dir': 'other',
    }
    const { bridge } = await build(attributes, {
      files: {
        'local://dockerfile': { Dockerfile: 'FROM alpine\nCOPY --from=src p/q r /s/\n' },
        'local://dir': { '.dockerignore': 'z\n' },
      },
    })
    const found = sources(bridge).filter(s => s.identifier === 'local://dir')
    assert.deepEqual(found.at(-1)?.attrs, {
      'local.excludepatterns': '["z"]',
      'local.followpaths': '["p/q","r"]',
      'local.session': 'other',
      'local.sharedkeyhint': 'context:src-k',
    })
  })

  it('of OCI layouts need a digest', async () => {
    const file = withFile('FROM named\n')
    await assert.rejects(build({ 'context:named': 'oci-layout://store:tag' }, file), {
      message: 'oci-layout reference "store:tag" has no digest',
    })
    const digest = digestOf('layout')
    const name = `docker.io/library/named@${digest}`
    const { bridge } = await build(
      { 'context:named': `oci-layout://store@${digest}` },
      { ...file, images: { [name]: config } },
    )
    assert.deepEqual(bridge.lookups[0]?.store, { sessionId: 'session', storeId: 'store' })
    assert.equal(sources(bridge).at(-1)?.identifier, `oci-layout://${name}`)
  })

  it('may be trees of other builds, with the configuration that comes with them', async () => {
    const state = execState(image('debian:12', { platform: linux }), { args: ['x'] })
    const tree = marshal(state.output, { platform: linux, localUniqueId: 'u' })
    const metadata = { 'containerimage.config': Buffer.from(JSON.stringify(config)).toString('base64') }
    const attributes = { 'context:named': 'input:in', 'input-metadata:in': JSON.stringify(metadata) }
    const { result } = await build(attributes, { ...withFile('FROM named\nRUN y\n'), inputs: { in: tree } })
    const image1 = JSON.parse(new TextDecoder().decode(result.metadata.get('containerimage.config')))
    assert.equal(image1.config.Env[0], 'N=1')
    await assert.rejects(
      build({ 'context:named': 'input:other' }, { ...withFile('FROM named\n'), inputs: {} }),
      {
        message: 'invalid input other for named',
      },
    )
  })

  it('of unknown kinds are refused', async () => {
    await assert.rejects(build({ 'context:alpine': 'foo:bar' }, withFile(simple)), {
      message: 'unsupported context source foo for alpine',
    })
    await assert.rejects(build({ 'context:alpine': 'foo' }, withFile(simple)), {
      message: 'invalid context specifier foo for alpine',
    })
  })
})

describe('bills of materials', () => {
  it('are made by the scanner from the result and from stages that ask for it', async () => {
    const scanner = { ...config, config: { Entrypoint: ['/scan'], Env: ['S=1'] } }
    const text =
      'ARG BUILDKIT_SBOM_SCAN_STAGE=a\nFROM alpine AS a\nRUN 1\nFROM busybox:1\nCOPY --from=a x y\n'
    const { bridge, result } = await build(
      { 'attest:sbom': 'generator=scanner,K=v' },
      { ...withFile(text), images: { ...images, 'docker.io/library/scanner:latest': scanner } },
    )
    const attestation = result.attestations.get('linux/amd64')?.[0]
    assert.equal(attestation?.kind, 'bundle')
    const op = bridge.solved.at(-1)?.def.map(decodeOp).at(-2)?.op
    assert.equal(op?.case, 'exec')
    if (op?.case !== 'exec') return
    assert.deepEqual(op.value.meta?.env, [
      'S=1',
      'BUILDKIT_SCAN_DESTINATION=/run/out/',
      'BUILDKIT_SCAN_SOURCE=/run/src/core/sbom',
      'BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras',
      'BUILDKIT_SCAN_K=v',
    ])
    assert.deepEqual(
      op.value.mounts.map(mount => mount.dest),
      ['/', '/run/out/', '/run/src/core/sbom', '/run/src/extras/sbom-a', '/tmp'],
    )
  })
  it('come from the built-in scanner where the default one cannot be pulled, and where it is asked for', async () => {
    const text = 'FROM alpine\n'
    for (const [value, name] of [
      ['', /built-in scanner \(docker\.io\/docker\/buildkit-syft-scanner:stable-1 cannot be pulled\)$/],
      ['generator=builtin', /built-in scanner$/],
    ] as const) {
      const { bridge, result } = await build({ 'attest:sbom': value }, { ...withFile(text), images })
      assert.equal(result.attestations.get('linux/amd64')?.[0]?.kind, 'bundle')
      const definition = bridge.solved.at(-1)
      const op = definition?.def.map(decodeOp).at(0)?.op
      const action = op?.case === 'file' ? op.value.actions[0]?.action : undefined
      assert.equal(action?.case === 'mkfile' && action.value.path, '/sbom.spdx.json')
      const names = Object.values(definition?.metadata ?? {}).map(one => one.description['llb.customname'])
      assert.match(names.join(''), name)
    }
  })
  it('of a scanner that was asked for by name fail the build where it cannot be pulled', async () => {
    const options = { ...withFile('FROM alpine\n'), images }
    await assert.rejects(
      build({ 'attest:sbom': 'generator=me/scanner' }, options),
      /me\/scanner:latest: not found/,
    )
  })
})
