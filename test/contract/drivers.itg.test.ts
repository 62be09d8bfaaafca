import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { run } from '../../scripts/setup/run.ts'
import { makeBuilderImage } from '../support/builder-image.ts'
import { lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { type Dockerd, startDockerd } from '../support/dockerd.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'
import { cases, failures } from './cases.ts'
import {
  answerCases,
  answerFailure,
  type DriverAnswers,
  type FailureAnswer,
  makeContext,
  type Way,
} from './driver-answers.ts'
import { type ImageAnswer, savedImages } from './image-answer.ts'
import { known } from './known-differences.ts'

// The same builds through every driver: images, files of layers, steps, exit codes.

const programs = ['runc', 'busybox']
const ofDocker = { root: true, peers: ['dockerd', 'docker', 'docker-init'], programs } as const

describe('the same answers', { skip: lacks({ root: true, programs }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let expected: DriverAnswers
  const failed = new Map<string, FailureAnswer>()

  before(async () => {
    scratch = stack.use(await makeScratch())
    slipway = await openSlipway({ dir: scratch.dir })
    await makeContext(scratch.path('context'))
    const embedded = { name: 'embedded', builder: 'slipway' }
    expected = await answerCases(slipway, embedded, scratch.path('embedded'))
    for (const name of Object.keys(failures))
      failed.set(name, await answerFailure(slipway, embedded, name, scratch.path('context')))
  })
  after(() => stack.disposeAsync())

  async function compare(way: Way): Promise<void> {
    const answers = await answerCases(slipway, way, scratch.path(way.name))
    const { images = same, steps = /^$/, errors = [] } = known[way.name] ?? {}
    const found: string[] = []
    const note = (name: string, ours: unknown, wanted: unknown): void => {
      found.push(...differences(ours, wanted).map(line => `${name}: ${line}`))
    }
    const shown = (names: readonly string[]): string[] => names.filter(name => !steps.test(name))
    for (const [name, of] of Object.entries(answers.images)) {
      for (const [platform, image] of Object.entries(of)) {
        const wanted = expected.images[name]?.[platform]
        note(`${name} ${platform}`, images(image), wanted === undefined ? undefined : images(wanted))
      }
      if (way.save === undefined) note(name, Object.keys(of), Object.keys(expected.images[name] ?? {}))
    }
    const missing = Object.keys(cases).filter(name => answers.images[name] === undefined)
    note('missing', missing, way.save === undefined ? [] : ['empty', 'platformArgs', 'builder'])
    if (way.save === undefined) note('steps', shown(answers.steps), shown(expected.steps))
    for (const name of Object.keys(failures)) {
      const answer = await answerFailure(slipway, way, name, scratch.path('context'))
      const wanted = failed.get(name)
      note(name, answer.code, wanted?.code)
      if (errors.includes(name)) continue
      note(name, answer.error, wanted?.error)
      note(name, shown(answer.steps), shown(wanted?.steps ?? []))
    }
    assert.deepEqual(found, [], way.name)
  }

  it('come from images with something in them', () => {
    assert.deepEqual(Object.keys(expected.images).sort(), Object.keys(cases).sort())
    assert.ok(
      expected.images['run']?.[`linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`]?.layers.length === 2,
    )
    for (const [name, { code, error }] of failed) assert.ok(code !== 0 && error !== '', name)
  })

  it('come from a daemon of ours', async () => {
    await using serve = await startServe({ dir: scratch.dir, name: 'c' })
    await slipway.run('create', '--name=serve', '--driver=remote', serve.address)
    await compare({ name: 'serve', builder: 'serve' })
  })

  it('come from docker with its classic store', { skip: lacks(ofDocker) }, async () => {
    await using dockerd = await startDockerd({ dir: scratch.path('d') })
    await compare({ ...dockerWay('docker', dockerd), save: savedBy(dockerd) })
  })

  it('come from docker with the store of containerd', { skip: lacks(ofDocker) }, async () => {
    await using dockerd = await startDockerd({ dir: scratch.path('e'), containerdStore: true })
    await compare(dockerWay('containerd', dockerd))
  })

  // The longest way, and one that other tests go too.
  it('come from a container with a daemon of ours', {
    skip: lacks({ ...ofDocker, time: true }),
  }, async () => {
    await using dockerd = await startDockerd({ dir: scratch.path('f') })
    await dockerd.docker('load', '-i', await makeBuilderImage(scratch.path('image')))
    const { env } = dockerWay('', dockerd)
    const by = { ...slipway.env, ...env }
    const flags = ['--driver=docker-container', '--driver-opt=image=slipway/builder:test,network=host']
    await run([...slipway.command, 'create', '--name=box', ...flags], { env: by })
    try {
      await compare({ name: 'container', builder: 'box', env: by })
    } finally {
      await run([...slipway.command, 'rm', 'box'], { env: by })
    }
  })

  it('come from a real BuildKit', { skip: lacksBuildkitd() }, async () => {
    await using real = await startBuildkitd({ dir: scratch.path('r') })
    await slipway.run('create', '--name=real', '--driver=remote', real.address)
    await compare({ name: 'buildkitd', builder: 'real' })
  })
})

const same = (image: ImageAnswer): ImageAnswer => image

const dockerWay = (name: string, dockerd: Dockerd): Way => ({
  name,
  builder: 'default',
  env: { DOCKER_HOST: dockerd.host },
})

const savedBy =
  (dockerd: Dockerd): NonNullable<Way['save']> =>
  async (names, file) => {
    await dockerd.docker('save', '-o', file, ...names)
    return await savedImages(file)
  }

/** Lines that only one of two values has when they are written out; none where they are the same. */
function differences(found: unknown, wanted: unknown): string[] {
  if (isDeepStrictEqual(found, wanted)) return []
  const lines = (value: unknown): string[] => (JSON.stringify(value, null, 1) ?? 'nothing').split('\n')
  const [own, other] = [lines(found), lines(wanted)]
  const only = (some: string[], all: string[], mark: string): string[] =>
    some.filter(line => !all.includes(line)).map(line => `${mark} ${line.trim()}`)
  const result = [...only(own, other, 'has'), ...only(other, own, 'lacks')]
  return result.length > 0 ? result : ['has another order']
}
