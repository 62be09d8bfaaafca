import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tally } from './count-reporter.ts'

/** How a group of test files is run. */
export interface RunFilesOptions {
  /** One process for all files (fast, for tests that touch nothing outside themselves) or one for each. */
  readonly isolation: 'none' | 'process'
  /** Files at a time, where each has its own process. */
  readonly concurrency: number
  /** Limit of a single test, ms. */
  readonly testTimeout: number
  /** Limit of the whole group, ms: afterwards it is killed and counts as one failure more. */
  readonly timeout: number
  readonly env?: NodeJS.ProcessEnv
}

/** Runs test files with node:test in a child process and returns what they came to; failures are printed as they come. */
export async function runTestFiles(files: readonly string[], options: RunFilesOptions): Promise<Tally> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0, reasons: {} }
  const dir = mkdtempSync(join(tmpdir(), 'slipway-tally-'))
  const tallyFile = join(dir, 'tally.json')
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-force-exit', // what a test leaves open must not hold up the others
    `--test-isolation=${options.isolation}`,
    ...(options.isolation === 'process' ? [`--test-concurrency=${options.concurrency}`] : []),
    `--test-timeout=${options.testTimeout}`,
    `--test-reporter=${join(import.meta.dirname, 'count-reporter.ts')}`,
    '--test-reporter-destination=stdout',
    ...files,
  ]
  try {
    const env = { ...process.env, ...options.env, SLIPWAY_TEST_TALLY: tallyFile }
    // A process group of its own, so that at the limit nothing of it stays behind.
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
      detached: true,
    })
    const ended = await waitFor(child, options.timeout)
    const tally = readTally(tallyFile)
    if (tally === undefined || ended.killed) {
      const why = ended.killed
        ? `did not end (limit ${options.timeout / 1000} s)`
        : `broke off (${ended.how})`
      console.log(`\n  FAILED the test process ${why}`)
      return { ...(tally ?? { passed: 0, skipped: 0, reasons: {} }), failed: (tally?.failed ?? 0) + 1 }
    }
    if (ended.how !== 'exit 0' && tally.failed === 0) {
      console.log(`\n  FAILED the test process ended with ${ended.how}, though no test failed`)
      tally.failed++
    }
    return tally
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function waitFor(child: ChildProcess, timeout: number): Promise<{ how: string; killed: boolean }> {
  return new Promise((resolve, reject) => {
    let killed = false
    const stop = (signal: NodeJS.Signals): void => {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    }
    const forward = (signal: NodeJS.Signals): void => {
      stop(signal)
      process.exitCode = 130
    }
    const timer = setTimeout(() => {
      killed = true
      stop('SIGKILL')
    }, timeout)
    const release = (): void => {
      clearTimeout(timer)
      process.off('SIGINT', forward).off('SIGTERM', forward)
    }
    process.once('SIGINT', forward).once('SIGTERM', forward)
    child.once('error', error => {
      release()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      release()
      resolve({ how: signal === null ? `exit ${code}` : signal, killed })
    })
  })
}

function readTally(file: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally
  } catch {
    return undefined
  }
}
