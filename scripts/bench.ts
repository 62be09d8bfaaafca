import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMirror } from '../test/support/mirror.ts'
import { startRegistry } from '../test/support/registry.ts'
import { makeScratch } from '../test/support/scratch.ts'
import type { Contender } from './bench/contender.ts'
import { startBuildah, startBuildkitd, startDockerBuildkit, startSlipway } from './bench/contenders.ts'
import { comparisonTable, type Series } from './bench/comparison.ts'
import { scenarios } from './bench/scenarios.ts'
import { run } from './setup/run.ts'
import { prepareMachine } from './setup/prepare-machine.ts'

// `npm run bench`: Slipway, BuildKit and buildah side by side, in alternating order, as ratios within each round.
//   --rounds N     rounds of each scenario (5)      --only TEXT     scenarios whose name contains TEXT
//   --without a,b  leave contenders out             --write         put the table into docs/benchmarks.md
// SLIPWAY_PEER_BUILDKITD=PATH measures that buildkitd instead of the one inside dockerd.

const flags = readFlags()
const wanted = scenarios.filter(({ name }) => name.toLowerCase().includes(flags.only.toLowerCase()))
if (wanted.length === 0) {
  fail(
    `no scenario has ${JSON.stringify(flags.only)} in its name, there are: ${scenarios.map(({ name }) => name).join('; ')}`,
  )
}
if (flags.write && (flags.only !== '' || flags.without !== '')) {
  fail('--write puts the whole table into the docs: leave out --only and --without')
}
if (process.getuid?.() !== 0) fail('the peers need root')
await run([process.execPath, join(import.meta.dirname, 'build.ts')]) // what is measured is what is installed
await prepareMachine(line => console.log(`set-up: ${line}`))

await using scratch = await makeScratch()
await using mirror = await startMirror(scratch.dir, ['alpine'])
await using registry = await startRegistry({ dir: scratch.path('r') })
await using stack = new AsyncDisposableStack()
const contenders: Contender[] = []
const without = flags.without.split(',')
const buildkitd = process.env['SLIPWAY_PEER_BUILDKITD']
const starts: Readonly<Record<string, () => Promise<Contender>>> = {
  slipway: () => startSlipway(scratch.path('s')),
  BuildKit: () =>
    buildkitd === undefined
      ? startDockerBuildkit(scratch.path('d'))
      : startBuildkitd(scratch.path('k'), buildkitd),
  buildah: () => startBuildah(scratch.path('b')),
}
for (const [name, start] of Object.entries(starts)) {
  if (!without.includes(name)) contenders.push(stack.use(await start()))
}

const results: Series[] = []
for (const scenario of wanted) {
  const rounds = Math.min(Number(flags.rounds), scenario.rounds ?? Number.POSITIVE_INFINITY)
  const series: Series = { scenario: scenario.name, runs: new Map(contenders.map(({ name }) => [name, []])) }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const contender of order) {
      const nonce = `n${round}-${process.pid}`
      const dir = scratch.path('c', contender.name, scenario.name.replaceAll(/\W+/g, '-'))
      const bench = { dir, base: `${mirror.host}/library/alpine:3.12`, registry: registry.host, nonce }
      try {
        for (const job of await scenario.prepare(bench)) await contender.build(job)
        const measured = await contender.build(await scenario.job(bench))
        series.runs.get(contender.name)?.push(measured)
        console.log(
          `${scenario.name}: ${contender.name}: ${Math.round(measured.ms)} ms, ${mebibytes(measured.peak)}`,
        )
      } catch (error) {
        console.log(`${scenario.name}: ${contender.name}: ${(error as Error).message.slice(0, 600)}`)
        process.exitCode = 1
      }
      await run(['rm', '-rf', join(dir, nonce)])
    }
  }
  results.push(series)
  await run(['rm', '-rf', scratch.path('c')])
}

const machine = `${cpus().length} processors (${cpus()[0]?.model.trim() ?? '?'}), ${Math.round(totalmem() / 2 ** 30)} GiB`
const versions = contenders.map(({ name, version }) => `${name}: ${version}`)
const table = comparisonTable(results, { machine, versions, command: 'npm run bench -- --write' })
console.log(`\n${table}`)
if (flags.write && process.exitCode !== 1)
  await writeFile(join(import.meta.dirname, '..', 'docs', 'benchmarks.md'), table)

function readFlags() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        only: { type: 'string', default: '' },
        without: { type: 'string', default: '' },
        write: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return fail((error as Error).message)
  }
}

function fail(message: string): never {
  console.error(`bench: ${message}`)
  process.exit(1)
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
