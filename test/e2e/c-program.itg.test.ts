import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startDockerd } from '../support/dockerd.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch } from '../support/scratch.ts'
import { example, openSlipway } from '../support/slipway.ts'
import { pushedPlatforms } from '../support/third-party.ts'

const peers = ['dockerd', 'docker'] as const
const needs = {
  root: true,
  programs: ['runc', 'skopeo'],
  peers,
  registry: true,
  emulators: ['aarch64', 'x86_64'],
}

it('a C program is compiled by an emulated gcc, and each image prints its machine', {
  skip: lacks(needs),
}, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['gcc', 'debian'])
  await using registry = await startRegistry({ dir: scratch.path('r') })
  await using dockerd = await startDockerd({ dir: scratch.path('d'), mirrors: [mirror.host] })
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  const reference = `${registry.host}/system_info:latest`
  await slipway.run(
    'build',
    '--platform',
    'linux/arm64,linux/amd64',
    '-t',
    reference,
    '--push',
    example('c-program'),
  )

  assert.deepEqual(await pushedPlatforms(reference), ['linux/arm64', 'linux/amd64'])
  const pulled = ['--pull=always', '--quiet']
  assert.equal(await dockerd.printed(...pulled, '--platform=linux/arm64', reference), 'Linux aarch64\n')
  assert.equal(await dockerd.printed(...pulled, '--platform=linux/amd64', reference), 'Linux x86_64\n')
})
