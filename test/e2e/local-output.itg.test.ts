import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { startDockerd } from '../support/dockerd.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { makeScratch } from '../support/scratch.ts'
import { example, openSlipway } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc'], registry: true, emulators: ['aarch64', 'arm'] }
const machines = { 'linux/arm': 'armv7l', 'linux/arm64': 'aarch64', 'linux/amd64': 'x86_64' }

it('a local output has a folder for each platform', { skip: lacks(needs) }, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['alpine'])
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  const out = scratch.path('out')
  const platforms = Object.keys(machines).join(',')
  await slipway.run('build', '--platform', platforms, '-o', `type=local,dest=${out}`, example('uname-file'))
  assert.deepEqual((await readdir(out)).sort(), ['linux_amd64', 'linux_arm64', 'linux_arm_v7'])
  const folders = { linux_arm_v7: 'armv7l', linux_arm64: 'aarch64', linux_amd64: 'x86_64' }
  for (const [folder, machine] of Object.entries(folders)) {
    assert.match(await readFile(`${out}/${folder}/os.txt`, 'utf8'), new RegExp(` ${machine} `))
  }
})

describe('-o type=docker', () => {
  const docker = { ...needs, peers: ['dockerd', 'docker'] as const }

  it('loads one image for each platform under the same name', { skip: lacks(docker) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    await using dockerd = await startDockerd({ dir: scratch.path('d') })
    const env = { DOCKER_HOST: dockerd.host }
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], env })
    for (const [platform, machine] of Object.entries(machines)) {
      const args = ['build', '-t', 'n', `--platform=${platform}`, '-o', 'type=docker']
      await slipway.run(...args, example('uname-file'))
      const text = await dockerd.printed('n', 'cat', '/os.txt')
      assert.match(text, new RegExp(` ${machine} `))
    }
  })

  it('keeps the image in the local store where no docker answers', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const env = { DOCKER_HOST: `unix://${scratch.path('nobody.sock')}` }
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], env })
    await slipway.run(
      'build',
      '-t',
      'n',
      '--platform=linux/arm64',
      '-o',
      'type=docker',
      example('uname-file'),
    )
    const text = await slipway.run('run', '--platform', 'linux/arm64', 'n', 'cat', '/os.txt')
    assert.match(text, / aarch64 /)
    const both = '--platform=linux/amd64,linux/arm64'
    await slipway.run('build', '-t', 'two', both, example('uname-file'))
    const machines = await slipway.run('run', both, 'two', 'sh', '-c', 'uname -m; cut -d" " -f1 /os.txt')
    assert.deepEqual(machines.trim().split('\n').sort(), [
      'linux/amd64    Linux',
      'linux/amd64    x86_64',
      'linux/arm64    Linux',
      'linux/arm64    aarch64',
    ])
    const failed = await slipway.try('run', both, 'two', 'sh', '-c', '[ "$(uname -m)" = x86_64 ] || exit 3')
    assert.equal(failed.code, 3, failed.stderr)
  })
})

describe('without an output', () => {
  it('an image stays in the local store, by its name or by its digest alone', {
    skip: lacks({ root: true }),
  }, async () => {
    await using scratch = await makeScratch()
    const slipway = await openSlipway({ dir: scratch.path('s') })
    await writeFile(scratch.path('Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    await slipway.run('build', '-t', 'n', scratch.dir)
    const names = async (): Promise<string[]> => {
      const [, ...rows] = (await slipway.run('image', 'ls')).trim().split('\n')
      return rows.map(row => row.split(/\s+/)[0] ?? '')
    }
    assert.deepEqual(await names(), ['n:latest'])
    await slipway.run('build', '--label', 'a=b', scratch.dir)
    assert.deepEqual(await names(), ['n:latest', '<none>'])
  })
})
