import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc'], registry: true, time: true }

const dockerfile = `FROM alpine:3.12 AS a
COPY f big /
RUN cat /f > /g && dd if=/dev/zero of=/z bs=1M count=5 && sleep 0.2
FROM alpine:3.12
RUN --mount=type=cache,target=/k echo 1 > /k/x && cp /k/x /y && sleep 0.1
COPY --from=a /g /z /o/
`

// Whatever is going on in the state directory when a process is killed: nothing of it is lost, wrong, or left lying about.
for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  it(`30 commands that get ${signal} at any moment leave a store that builds the same and can be emptied`, {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const tmp = scratch.path('tmp')
    await mkdir(tmp)
    const env = { SOURCE_DATE_EPOCH: '1700000000', TMPDIR: tmp }
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], env })
    const digestOf = await project(scratch, slipway)
    const right = [await digestOf(0), await digestOf(1), await digestOf(2)]
    const random = randomNumbers(20_261_121)
    for (let round = 0; round < 30; round++) {
      const variant = random(3)
      const kind = ['build', 'no-cache', 'first', 'prune'][random(4)] ?? 'build'
      const what = `round ${round}: ${kind}`
      if (kind === 'first') rmSync(scratch.path('s', 'state'), { recursive: true, force: true })
      await writeFile(scratch.path('c', 'f'), String(variant))
      const flags = kind === 'no-cache' ? ['--no-cache'] : []
      const args = kind === 'prune' ? ['prune', '-af'] : ['build', ...flags, scratch.path('c')]
      const ended = await endAfter(slipway, args, signal, 100 + random(kind === 'prune' ? 500 : 2500))
      // Before it listens for signals, the signal itself ends a process.
      if (signal === 'SIGTERM') {
        assert.ok([0, 130, 'SIGTERM'].includes(ended as number | string), `${what}: ${String(ended)}`)
        assert.deepEqual(leftovers(scratch), [], what)
      }
      await slipway.run('du')
      assert.equal(await digestOf(variant), right[variant], what)
      assert.deepEqual(leftovers(scratch), [], what)
      if (round % 10 !== 9) continue
      await slipway.run('history', 'rm', '--all')
      await slipway.try('image', 'rm', 'n')
      await slipway.run('prune', '-af')
      assert.match(await slipway.run('du'), /^Total:\s+0B$/m, what)
      assert.deepEqual(readdirSync(scratch.path('s', 'state', 'snapshots')), [], what)
    }
  })
}

async function project(
  scratch: Scratch,
  slipway: SlipwayCommand,
): Promise<(variant: number) => Promise<unknown>> {
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, dockerfile)
  await writeFile(`${context}/big`, Buffer.alloc(3_000_000, 7))
  const metadata = scratch.path('metadata.json')
  const output = `type=oci,dest=${scratch.path('o.tar')},rewrite-timestamp=true`
  return async variant => {
    await writeFile(`${context}/f`, String(variant))
    const flags = ['--metadata-file', metadata, '--provenance=false', '-t', 'n', '-o', output]
    await slipway.run('build', ...flags, context)
    const known = JSON.parse(readFileSync(metadata, 'utf8')) as Readonly<Record<string, unknown>>
    return known['containerimage.digest']
  }
}

/** Starts a command, sends the signal after `delay` milliseconds; answers how it ended. */
async function endAfter(
  slipway: SlipwayCommand,
  args: readonly string[],
  signal: NodeJS.Signals,
  delay: number,
): Promise<unknown> {
  const [program, ...words] = slipway.command
  const child = spawn(program, [...words, ...args], { env: slipway.env, stdio: 'ignore' })
  const ended = new Promise(resolve => child.once('close', (code, by) => resolve(code ?? by)))
  await sleep(delay)
  child.kill(signal)
  return await Promise.race([ended, sleep(30_000, 'it hangs')])
}

/** Mounts, processes and temporary files of the test that are still there. */
function leftovers(scratch: Scratch): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const state = scratch.path('s', 'state')
  const processes = readdirSync('/proc').filter(
    name => /^\d+$/.test(name) && environmentOf(name).includes(state),
  )
  return [
    ...mounts.map(line => line.split(' ')[4] ?? '').filter(path => path.startsWith(`${scratch.dir}/`)),
    ...processes.map(pid => `process ${pid}`),
    // A probe of emulators that was killed is removed by the next one, some seconds later.
    ...readdirSync(scratch.path('tmp')).filter(name => !/^(node-compile-cache|slipway-probe-.*)$/.test(name)),
  ]
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}

/** Numbers below `limit`, the same ones for the same seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
