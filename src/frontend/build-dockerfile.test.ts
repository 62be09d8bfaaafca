import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Attributes } from './attributes.ts'
import { buildDockerfile } from './build-dockerfile.ts'
import { decodeOp } from '../llb/head.ts'
import { createMemoryBridge, type MemoryBridgeOptions } from './memory-bridge.ts'

const alpine = {
  architecture: 'amd64',
  os: 'linux',
  config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] },
  history: [{ created_by: 'base' }],
}
const images = { 'docker.io/library/alpine:latest': alpine }

async function build(dockerfile: string, attributes: Attributes = {}, more: MemoryBridgeOptions = {}) {
  const bridge = createMemoryBridge({
    files: { 'local://dockerfile': { Dockerfile: dockerfile } },
    images,
    ...more,
  })
  const result = await buildDockerfile(bridge, attributes, { uniqueId: 'u' })
  return { bridge, result }
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

describe('buildDockerfile', () => {
  it('builds one image for the native platform where none is asked for', async () => {
    const { result, bridge } = await build('FROM alpine\nRUN echo $TARGETARCH\nCMD ["x"]\n')
    assert.notEqual(result.ref, undefined)
    assert.equal(result.refs.size, 0)
    const config = JSON.parse(text(result.metadata.get('containerimage.config')))
    assert.deepEqual(config.config.Cmd, ['x'])
    assert.equal(config.architecture, 'amd64')
    assert.deepEqual(JSON.parse(text(result.metadata.get('refs.platforms'))), {
      Platforms: [{ ID: 'linux/amd64', Platform: { architecture: 'amd64', os: 'linux' } }],
    })
    assert.deepEqual(
      bridge.lookups.map(l => l.logName),
      ['[internal] load metadata for docker.io/library/alpine:latest'],
    )
  })

  it('builds a ref and a config for each platform', async () => {
    const { result, bridge } = await build('FROM alpine\nRUN true\n', {
      platform: 'linux/amd64,linux/arm/v7',
    })
    assert.equal(result.ref, undefined)
    assert.deepEqual([...result.refs.keys()], ['linux/amd64', 'linux/arm/v7'])
    assert.equal(JSON.parse(text(result.metadata.get('containerimage.config/linux/arm/v7'))).variant, 'v7')
    assert.deepEqual(bridge.lookups.map(l => l.logName).sort(), [
      '[linux/amd64 internal] load metadata for docker.io/library/alpine:latest',
      '[linux/arm/v7 internal] load metadata for docker.io/library/alpine:latest',
    ])
  })

  it('transfers only the Dockerfile and what COPY uses', async () => {
    const { bridge } = await build('FROM alpine\nCOPY src /src\n')
    const sources = bridge.solved
      .flatMap(d => d.def.map(decodeOp))
      .flatMap(op => (op.op.case === 'source' ? [op.op.value] : []))
    const locals = sources.filter(s => s.identifier.startsWith('local://'))
    assert.deepEqual(
      locals.map(s => [s.identifier, s.attrs['local.followpaths']]),
      [
        ['local://dockerfile', '["Dockerfile","Dockerfile.dockerignore","dockerfile"]'],
        ['local://context', '[".dockerignore"]'],
        ['local://context', '["src"]'],
      ],
    )
  })

  it('points at the line of the Dockerfile that is at fault', async () => {
    await assert.rejects(build('FROM alpine\nCOPPY a b\n'), (error: unknown) => {
      const { message, sources } = error as {
        message: string
        sources: { filename: string; ranges: unknown }[]
      }
      assert.equal(
        message,
        'dockerfile parse error on line 2: unknown instruction: COPPY (did you mean COPY?)',
      )
      assert.equal(sources[0]?.filename, 'Dockerfile')
      assert.deepEqual(sources[0]?.ranges, [
        { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } },
      ])
      return true
    })
  })

  it('streams warnings of the linter once, however many platforms there are', async () => {
    const { bridge } = await build('from alpine\nWORKDIR a\n', { platform: 'linux/amd64,linux/arm64' })
    const shorts = bridge.warnings.map(w => w.short).filter(s => !s.startsWith('InvalidBaseImagePlatform'))
    assert.deepEqual(shorts, [
      "ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase) (line 1)",
      'WorkdirRelativePath: Relative workdir "a" can have unexpected results if the base image changes (line 2)',
    ])
  })

  it('passes on to the frontend that the file asks for, unless it is built in', async () => {
    const { bridge } = await build('# syntax=me/frontend:2 x\nFROM nowhere\n')
    assert.equal(bridge.forwarded[0]?.attributes['source'], 'me/frontend:2')
    assert.equal(bridge.forwarded[0]?.attributes['cmdline'], 'me/frontend:2 x')
    const plain = await build('# syntax=docker/dockerfile:1.7-labs\nFROM alpine\n')
    assert.equal(plain.bridge.forwarded.length, 0)
    assert.deepEqual(plain.bridge.notes, [
      '[internal] frontend docker/dockerfile:1.7-labs is built in (version 1.26)',
    ])
    const newer = await build('# syntax=docker/dockerfile:1.99\nFROM alpine\n')
    assert.equal(newer.bridge.forwarded.length, 1)
    const none = await build('FROM alpine\n')
    assert.deepEqual(none.bridge.notes, [])
  })
})
