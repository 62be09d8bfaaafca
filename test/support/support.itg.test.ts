import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { startDockerd } from './dockerd.ts'
import { startMirror } from './mirror.ts'
import { lacks } from './need.ts'
import { startRegistry } from './registry.ts'
import { makeScratch } from './scratch.ts'

// The workshop itself: when one of these fails, the failures of other tests say little.

describe('stand-in images', () => {
  it('come out of a mirror that skopeo can read', {
    skip: lacks({ programs: ['skopeo'], registry: true }),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const text = await run([
      'skopeo',
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${mirror.host}/library/alpine:3.12`,
    ])
    const index = JSON.parse(text) as {
      manifests: { platform: { architecture: string; variant?: string } }[]
    }
    const platforms = index.manifests.map(({ platform }) => platform.architecture + (platform.variant ?? ''))
    assert.deepEqual(platforms, ['amd64', 'arm64', 'armv7', 'armv6', 's390x', '386', 'ppc64le', 'mips64le'])
  })

  it('run in a real dockerd, foreign ones too', {
    skip: lacks({
      root: true,
      programs: ['runc'],
      peers: ['dockerd', 'docker'],
      registry: true,
      emulators: ['s390x'],
    }),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine', 'debian'])
    await using dockerd = await startDockerd({ dir: scratch.path('d'), mirrors: [mirror.host] })
    assert.equal(await dockerd.printed('--platform=linux/s390x', 'alpine:3.12', 'uname', '-m'), 's390x\n')
    assert.equal(await dockerd.printed('debian:bookworm-slim', 'bash', '-c', 'echo $((6*7))'), '42\n')
  })
})

describe('a registry of the tests', () => {
  it('takes what skopeo pushes and tells the requests', {
    skip: lacks({ programs: ['skopeo'], registry: true }),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['busybox'])
    await using registry = await startRegistry({ dir: scratch.path('r') })
    const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--all']
    await run([
      'skopeo',
      'copy',
      ...flags,
      `docker://${mirror.host}/library/busybox`,
      `docker://${registry.host}/b:1`,
    ])
    assert.ok(registry.requests().includes('PUT /v2/b/manifests/1 201'))
  })
})
