import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import type { Registry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc'], registry: true }

describe('a build that is interrupted', () => {
  it('by Ctrl-C ends with 130 and leaves no process and no mount', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const { slipway, context, mark } = await sleepingBuild(scratch, mirror)
    assert.equal(await interrupt(slipway, context, 'SIGINT', / in the step$/m), 130)
    assert.deepEqual(processesWith(mark), [])
    assert.deepEqual(mountsBelow(scratch.dir), [])
    await buildsAgain(slipway, context)
  })

  it('by kill -9 leaves a store that the next build uses', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const { slipway, context, mark } = await sleepingBuild(scratch, mirror)
    assert.equal(await interrupt(slipway, context, 'SIGKILL', / in the step$/m), 'SIGKILL')
    await buildsAgain(slipway, context)
    assert.deepEqual(processesWith(mark), [], 'what the killed build was running is gone at the latest now')
    assert.deepEqual(mountsBelow(scratch.dir), [])
  })
})

it('a build that reads a file of a terabyte for COPY ends at the first signal', {
  skip: lacks({ root: true }),
}, async () => {
  await using scratch = await makeScratch()
  const slipway = await openSlipway({ dir: scratch.path('s') })
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM scratch\nCOPY huge /\n')
  await writeFile(`${context}/huge`, '')
  await truncate(`${context}/huge`, 2 ** 40)
  assert.equal(await interrupt(slipway, context, 'SIGINT', /^#\d+ transferring context: 1\.10TB/m), 130)
  assert.deepEqual(mountsBelow(scratch.dir), [])
})

it('ten builds at once on one state directory all succeed', { skip: lacks(needs) }, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['alpine'])
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  const builds = Array.from({ length: 10 }, async (_, index) => {
    const context = scratch.path(`c${index}`)
    await mkdir(context)
    const steps = 'RUN echo shared > /shared\nCOPY own /own\nRUN cat /own >> /shared\n'
    await writeFile(`${context}/Dockerfile`, `FROM alpine:3.12\n${steps}`)
    await writeFile(`${context}/own`, `${index % 3}`)
    await slipway.run('build', '-t', `n${index}`, '-o', `type=local,dest=${context}/out`, context)
    return readFileSync(`${context}/out/shared`, 'utf8')
  })
  const expected = Array.from({ length: 10 }, (_, index) => `shared\n${index % 3}`)
  assert.deepEqual(await Promise.all(builds), expected)
})

async function sleepingBuild(scratch: Scratch, mirror: Registry) {
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  const context = scratch.path('c')
  const mark = `7${process.pid}`
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, `FROM alpine:3.12\nRUN echo in the step && sleep ${mark}\n`)
  return { slipway, context, mark: `sleep ${mark}` }
}

/** Starts the build, waits until its output says that it has begun, sends the signal; returns the exit code or the signal that ended it. */
async function interrupt(
  slipway: SlipwayCommand,
  context: string,
  signal: NodeJS.Signals,
  begun: RegExp,
): Promise<unknown> {
  const [program, ...words] = slipway.command
  const child = spawn(program, [...words, 'build', '--progress=plain', context], { env: slipway.env })
  let output = ''
  const ended = new Promise(resolve => child.once('close', (code, by) => resolve(code ?? by)))
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stderr.on('data', keep)
  child.stdout.on('data', keep)
  for (let waited = 0; !begun.test(output); waited += 50) {
    assert.ok(waited < 60_000 && child.exitCode === null, `the step did not start:\n${output}`)
    await sleep(50)
  }
  child.kill(signal)
  return await ended
}

async function buildsAgain(slipway: SlipwayCommand, context: string): Promise<void> {
  await writeFile(`${context}/Dockerfile`, 'FROM alpine:3.12\nRUN echo again > /again\n')
  await slipway.run('build', '-o', `type=local,dest=${context}/out`, context)
  assert.equal(readFileSync(`${context}/out/again`, 'utf8'), 'again\n')
}

function processesWith(words: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      } catch {
        return ''
      }
    })
    .filter(line => line.endsWith(words))
}

function mountsBelow(dir: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.map(line => line.split(' ')[4] ?? '').filter(path => path.startsWith(`${dir}/`))
}

it('a build whose archive nobody reads any more ends at the first signal', async () => {
  await using scratch = await makeScratch()
  const slipway = await openSlipway({ dir: scratch.path('s') })
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM scratch\nCOPY Dockerfile /\nCOPY big /\n')
  await writeFile(`${context}/big`, Buffer.alloc(1_000_000))
  const [program, ...words] = slipway.command
  const args = [...words, 'build', '--progress=plain', '-o', '-', context]
  const child = spawn(program, args, { env: slipway.env })
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.stderr.resume()
  // The archive has begun; the rest stays in the pipe.
  await new Promise(resolve => child.stdout.once('readable', resolve))
  child.kill('SIGTERM')
  assert.equal(await ended, 130)
  child.stdout.destroy()
})
