import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startDockerd } from '../support/dockerd.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch } from '../support/scratch.ts'
import { example, openSlipway } from '../support/slipway.ts'
import { copyWhole, pushedPlatforms, readByBuildah } from '../support/third-party.ts'

const emulators = ['aarch64', 'arm', 's390x']
const needs = { root: true, programs: ['runc', 'skopeo'], registry: true, emulators }
const five = ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/s390x']

describe('the alpine example of five platforms', () => {
  it('says each TARGETARCH, pushes one index, and is CACHED the second time', {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await using registry = await startRegistry({ dir: scratch.path('r') })
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
    const reference = `${registry.host}/tangx/alpine:multi-arch`
    const file = `${example('alpine-bake')}/alpine.Dockerfile`
    const args = [
      'build',
      `--platform=${five.join()}`,
      '--file',
      file,
      '--tag',
      reference,
      '--push',
      example('alpine-bake'),
    ]

    const first = await slipway.run(...args)
    for (const arch of ['amd64', 'arm64', 'arm', 's390x'])
      assert.match(first, new RegExp(` TARGETARCH is ${arch}\n`))
    assert.deepEqual(await pushedPlatforms(reference), five)
    await copyWhole(reference, scratch.path('copy'))

    const second = await slipway.run(...args)
    assert.equal(second.match(/^#\d+ CACHED$/gm)?.length, five.length)
    assert.doesNotMatch(second, / TARGETARCH is \w+\n(?!.*RUN)/)
  })
})

describe('the uname example', () => {
  const others = { ...needs, programs: [...needs.programs, 'buildah'], peers: ['dockerd', 'docker'] as const }

  it('runs on every platform in a real dockerd and in buildah', { skip: lacks(others) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await using registry = await startRegistry({ dir: scratch.path('r') })
    await using dockerd = await startDockerd({ dir: scratch.path('d'), mirrors: [mirror.host] })
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
    const reference = `${registry.host}/uname:latest`
    const platforms = 'linux/arm,linux/arm64,linux/amd64'
    await slipway.run('build', '--platform', platforms, '-t', reference, example('uname-file'), '--push')

    assert.deepEqual(await pushedPlatforms(reference), ['linux/arm/v7', 'linux/arm64', 'linux/amd64'])
    const machines = { 'linux/arm/v7': 'armv7l', 'linux/arm64': 'aarch64', 'linux/amd64': 'x86_64' }
    for (const [platform, machine] of Object.entries(machines)) {
      const image = ['--pull=always', '--quiet', `--platform=${platform}`, reference]
      assert.match(await dockerd.printed(...image, 'cat', '/os.txt'), new RegExp(` ${machine} `))
      assert.match(
        await readByBuildah(reference, platform, 'os.txt', scratch.dir),
        new RegExp(` ${machine} `),
      )
    }
  })
})
