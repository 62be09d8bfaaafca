import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProgram, systemPath } from './runtime.ts'
import { cannotRun } from './testing/executor-fixture.ts'

// A crun that is not installed may be named (with the libraries it needs) for this test only.
const crun = process.env['SLIPWAY_TEST_CRUN'] ?? (await findProgram('crun', systemPath))
const skip = (await cannotRun()) || (crun === undefined ? 'needs crun' : false)

test('containers run on crun too', { skip }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-crun-'))
  const program = join(directory, 'program.mts')
  const fixture = JSON.stringify(new URL('./testing/executor-fixture.ts', import.meta.url).href)
  writeFileSync(
    program,
    `import { ExecutorFixture, Output } from ${fixture}
     await using f = await ExecutorFixture.create({ runtime: ${JSON.stringify(crun)} })
     const tmpfs = { kind: 'tmpfs', target: '/a/b' }
     const { readdirSync } = await import('node:fs')
     const container = f.container('echo again >/dev/stdout; echo err >&2; hostname; cat; exit 6', { mounts: [tmpfs] })
     const first = await f.run(container)
     const running = f.container('echo up; sleep 1000')
     const output = new Output()
     const started = await f.executor.start(running, output)
     await output.waitFor('up')
     const second = new Output()
     const exec = await started.exec({ ...running.process, args: ['sh', '-c', 'echo second; exit 2'] }, second)
     const exit = await exec.exit
     await started.signal('KILL')
     const last = await started.exit
     console.log(JSON.stringify({ first, upper: readdirSync(container.upper), exit, second: second.text, last }))`,
  )
  // This crun wants no version 2 hierarchy beside version 1: hide it, where there is one.
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complaints = ''
  child.stdout.on('data', chunk => {
    said += String(chunk)
  })
  child.stderr.on('data', chunk => {
    complaints += String(chunk)
  })
  await new Promise(resolve => child.once('close', resolve))
  rmSync(directory, { recursive: true, force: true })
  assert.equal(child.exitCode, 0, complaints)
  assert.deepEqual(JSON.parse(said), {
    first: { status: { code: 6 }, stdout: 'again\nbuildkitsandbox\n', stderr: 'err\n' },
    upper: [],
    exit: { code: 2 },
    second: 'second\n',
    last: { code: 137 },
  })
})
