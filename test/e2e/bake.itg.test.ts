import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { type Registry, startRegistry } from '../support/registry.ts'
import { makeScratch } from '../support/scratch.ts'
import { example, openSlipway } from '../support/slipway.ts'
import { copyWhole, pushedImages, pushedPlatforms } from '../support/third-party.ts'

const emulators = ['aarch64', 'arm', 's390x']
const needs = { root: true, programs: ['runc', 'skopeo'], registry: true, emulators }
const five = ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/s390x']

/** What sends an image of the example to a registry of the test's instead of docker.io. */
function sendTo({ host }: Registry, target: string, tag: string): string[] {
  return ['--set', `${target}.tags=${host}/tangx/${target}:${tag}`]
}

describe('the example of two bake targets', () => {
  it('pushes the target of the default group for five platforms, the same from HCL, JSON and compose', {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await using registry = await startRegistry({ dir: scratch.path('r') })
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
    await cp(example('alpine-bake'), scratch.path('s'), { recursive: true })

    const bake = async (file: string, tag: string): Promise<string> =>
      await slipway.run('bake', '-f', file, ...sendTo(registry, 'alpine', tag), 'alpine')
    const named = await slipway.run('bake', '-f', 'bake.hcl', ...sendTo(registry, 'alpine', 'hcl'))
    for (const arch of ['amd64', 'arm64', 'arm', 's390x'])
      assert.match(named, new RegExp(` TARGETARCH is ${arch}\n`))
    assert.doesNotMatch(named, /debian/)
    const reference = (tag: string): string => `${registry.host}/tangx/alpine:${tag}`
    assert.deepEqual(await pushedPlatforms(reference('hcl')), five)
    await copyWhole(reference('hcl'), scratch.path('copy'))

    await bake('docker-bake.json', 'json')
    await bake('compose.yaml', 'compose')
    const images = await pushedImages(reference('hcl'))
    assert.equal(images.length, five.length)
    assert.deepEqual(await pushedImages(reference('json')), images)
    assert.deepEqual(await pushedImages(reference('compose')), images)
  })

  it('pushes the other target when it is named, and both together', {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine', 'debian'])
    await using registry = await startRegistry({ dir: scratch.path('r') })
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
    const file = join(example('alpine-bake'), 'bake.hcl')
    // The image that stands in for debian has two platforms.
    const two = ['linux/amd64', 'linux/arm64']
    const sets = [
      ...sendTo(registry, 'alpine', '1'),
      ...sendTo(registry, 'debian', '1'),
      ...['--set', `debian.platform=${two.join()}`, '--set', `*.context=${example('alpine-bake')}`],
    ]
    const said = await slipway.run('bake', '--allow=fs=*', '-f', file, ...sets, 'alpine', 'debian')
    assert.match(said, /\[alpine linux\/s390x 2\/2\] RUN echo/)
    assert.match(said, /\[debian linux\/arm64 2\/2\] RUN echo/)
    assert.deepEqual(await pushedPlatforms(`${registry.host}/tangx/alpine:1`), five)
    assert.deepEqual(await pushedPlatforms(`${registry.host}/tangx/debian:1`), two)
  })
})
