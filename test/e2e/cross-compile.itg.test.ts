import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { makeScratch } from '../support/scratch.ts'
import { example, openSlipway } from '../support/slipway.ts'

const native = process.arch === 'x64' ? 'amd64' : process.arch
const needs = { root: true, programs: ['runc'], registry: true }
const runs = { ...needs, emulators: ['aarch64', 'arm'] }

describe('cross-compilation with golang', () => {
  it('as printed gives native binaries, and a warning that TARGETARCH is not declared', {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    const built = await buildGo(scratch.dir, 'Dockerfile')
    assert.match(built.output, /TARGETARCH/)
    assert.match(built.output, /warning/i)
    for (const binary of built.binaries)
      assert.equal(await run([binary]).catch(String), '', `${binary} is native`)
  })

  it('with ARG TARGETARCH makes the binary of each platform', { skip: lacks(runs) }, async () => {
    await using scratch = await makeScratch()
    const { binaries } = await buildGo(scratch.dir, 'declared.Dockerfile')
    const machines = await Promise.all(binaries.map(elfMachine))
    assert.deepEqual(machines, [0x3e, 0xb7, 0x28])
  })
})

it('each target of a native stage knows what it runs on and what it builds for', {
  skip: lacks(needs),
}, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['alpine', 'golang'])
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x']
  const out = scratch.path('out')
  await slipway.run('build', `--platform=${platforms.join()}`, '-o', `type=local,dest=${out}`, example('log'))
  for (const platform of platforms) {
    const log = await readFile(`${out}/${platform.replaceAll('/', '_')}/log`, 'utf8')
    assert.equal(log, `I am running on linux/${native}, building for ${platform}\n`)
  }
})

async function buildGo(dir: string, dockerfile: string): Promise<{ output: string; binaries: string[] }> {
  await using mirror = await startMirror(dir, ['alpine', 'golang'])
  const slipway = await openSlipway({ dir: `${dir}/s`, mirrors: [mirror.host] })
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
  const args = ['-f', `${example('go-cross')}/${dockerfile}`, '-o', `type=local,dest=${dir}/out`]
  const output = await slipway.run('build', `--platform=${platforms.join()}`, ...args, example('go-cross'))
  return { output, binaries: platforms.map(name => `${dir}/out/${name.replaceAll('/', '_')}/system_info`) }
}

/** The field e_machine of an ELF file (little-endian): 0x3e x86-64, 0xb7 aarch64, 0x28 arm. */
async function elfMachine(file: string): Promise<number> {
  return (await readFile(file)).readUInt16LE(18)
}
