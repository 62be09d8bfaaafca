import { readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { peerDirs } from './setup/peers.ts'
import { prepareMachine } from './setup/prepare-machine.ts'
import type { Tally } from './testing/count-reporter.ts'
import { runTestFiles } from './testing/run-files.ts'
import { runStaticCheck, staticChecks } from './testing/static-checks.ts'

// `npm test`: format, lint, types, unit tests, then the tests with real programs; what those need is installed or unpacked
// meanwhile, where it may be. `npm test -- PATH…` runs single files. The last line counts everything.

const root = join(import.meta.dirname, '..')
const started = Date.now()
process.chdir(root)

const wanted = process.argv.slice(2).filter(arg => !arg.startsWith('-'))
const files = wanted.length === 0 ? ['src', 'test', 'scripts'].flatMap(testsIn) : wanted.flatMap(testsAt)
const unit = files.filter(file => !file.endsWith('.itg.test.ts'))
const real = files.filter(file => file.endsWith('.itg.test.ts'))

const total: Tally = { passed: 0, failed: 0, skipped: 0, reasons: {} }
const preparation =
  real.length === 0 ? Promise.resolve() : prepareMachine(line => console.log(`set-up: ${line}`))

if (wanted.length === 0) {
  for (const check of staticChecks) count('', (await runStaticCheck(check)) ? { passed: 1 } : { failed: 1 })
}
count(
  'unit tests',
  await runTestFiles(unit, { isolation: 'none', concurrency: 1, testTimeout: 60_000, timeout: 180_000 }),
)
await preparation
// What was only unpacked is found too, after what is installed.
const env = { PATH: [process.env['PATH'] ?? '', ...peerDirs()].join(':') }
count(
  'tests with real programs',
  await runTestFiles(real, {
    isolation: 'process',
    concurrency: 2,
    testTimeout: 240_000,
    timeout: 900_000,
    env,
  }),
)

for (const [reason, times] of Object.entries(total.reasons)) console.log(`skipped ${times}: ${reason}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1

function count(group: string, tally: Partial<Tally>): void {
  total.passed += tally.passed ?? 0
  total.failed += tally.failed ?? 0
  total.skipped += tally.skipped ?? 0
  for (const [reason, times] of Object.entries(tally.reasons ?? {}))
    total.reasons[reason] = (total.reasons[reason] ?? 0) + times
  if (group === '') return
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(
    `${group}: ${tally.passed ?? 0} passed, ${tally.failed ?? 0} failed, ${tally.skipped ?? 0} skipped (at ${seconds} s)`,
  )
}

function testsIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter(
      entry =>
        entry.isFile() && entry.name.endsWith('.test.ts') && !entry.parentPath.includes('node_modules'),
    )
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

function testsAt(path: string): string[] {
  const at = relative(root, resolve(process.env['INIT_CWD'] ?? root, path))
  return at.endsWith('.ts') ? [at] : testsIn(at)
}
