import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import { openSlipway } from '../support/slipway.ts'

const needs = { root: true, programs: ['mkfifo'] }
const steady = 300

describe('a context that changes while it is built', { skip: lacks(needs) }, () => {
  it('by the log of the build itself is built as it was at some moment', async () => {
    await using scratch = await makeScratch()
    const slipway = await openSlipway({ dir: scratch.path('s') })
    const context = await steadyContext(scratch)
    const log = `${context}/build.log`
    const [program, ...words] = slipway.command
    const out = scratch.path('out')
    const command = [program, ...words, 'build', '--progress=plain', '-o', out, context]
    const child = spawn('sh', ['-c', `"$@" > "${log}" 2>&1`, 'sh', ...command], { env: slipway.env })
    const code = await new Promise(resolve => child.once('close', resolve))
    const text = await readFile(log, 'utf8')
    assert.equal(code, 0, text)
    const taken = await readFile(`${out}/all/build.log`, 'utf8')
    assert.ok(text.startsWith(taken), 'the beginning of the log')
    // The result belongs to what was taken: the same content again is the same step.
    await writeFile(log, taken)
    assert.match(await slipway.run('build', '--progress=plain', '-o', out, context), /^#\d+ CACHED$/m)
    await writeFile(log, '')
    assert.doesNotMatch(await slipway.run('build', '--progress=plain', '-o', out, context), /^#\d+ CACHED$/m)
  })

  it('in kind and number of its files is built all the same, by the embedded engine', async () => {
    await using scratch = await makeScratch()
    const slipway = await openSlipway({ dir: scratch.path('s') })
    await buildChurning(scratch, (...args) => slipway.run('build', ...args))
  })

  it('is sent to a daemon all the same', async () => {
    await using scratch = await makeScratch()
    await using daemon = await startServe({ dir: scratch.dir, name: 'd' })
    await buildBy(scratch, daemon.address)
  })

  it('is sent to BuildKit all the same', { skip: lacksBuildkitd() }, async () => {
    await using scratch = await makeScratch()
    await using daemon = await startBuildkitd({ dir: scratch.path('b') })
    await buildBy(scratch, daemon.address)
  })
})

async function buildBy(scratch: Scratch, address: string): Promise<void> {
  const slipway = await openSlipway({ dir: scratch.path('s'), env: { BUILDX_BUILDER: 'far' } })
  await slipway.run('create', '--name=far', '--driver=remote', address)
  await buildChurning(scratch, (...args) => slipway.run('build', ...args))
}

async function steadyContext(scratch: Scratch): Promise<string> {
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM scratch\nCOPY . /all/\n')
  for (let i = 0; i < steady; i++) await writeFile(`${context}/steady-${i}`, `${i}`)
  return context
}

/** Builds several times while another process turns files into everything that a file can be, and away. */
async function buildChurning(scratch: Scratch, build: (...args: string[]) => Promise<string>): Promise<void> {
  const context = await steadyContext(scratch)
  const child = spawn(process.execPath, [`${import.meta.dirname}/churn.ts`, `${context}/churn`])
  const ended = new Promise(resolve => child.once('close', resolve))
  try {
    for (let round = 0; round < 3; round++) {
      const out = scratch.path(`out${round}`)
      await build('-o', out, context)
      const names = await readdir(`${out}/all`)
      assert.equal(names.filter(name => name.startsWith('steady-')).length, steady)
      for (const name of await readdir(`${out}/all/churn`, { withFileTypes: true })) {
        if (!name.isFile()) continue
        const text = await readFile(`${out}/all/churn/${name.name}`, 'utf8')
        assert.match(text, /^[xy]*$/, 'nothing that a link led to')
      }
      await rm(out, { recursive: true })
    }
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}
