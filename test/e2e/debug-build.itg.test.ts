import assert from 'node:assert/strict'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { findProgram } from '../../scripts/setup/programs.ts'
import { callCli, type CliOutcome } from '../../src/cli/testing/call-cli.ts'
import { lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'

// Steps looked at with `debug build`. Words and order recorded from docker-buildx 0.36.1 with a terminal.

const skip = lacks({ root: true, programs: ['runc', 'busybox'] })
const failing = '["/bin/sh", "-c", "echo partial > p; exit 3"]'
const leave = '\x01c'
const restarted =
  'Interactive container was restarted with process "ID". Press Ctrl-a-c to switch to the new container'
const shown = (line: string): string => `\nSwitched IO\n${line}\nSwitched IO\n`

for (const daemon of ['embedded', 'serve', 'buildkitd'] as const) {
  const missing = skip || (daemon === 'buildkitd' ? lacksBuildkitd() : false)
  describe(`a stopped build of ${daemon}`, { skip: missing }, () => {
    const stack = new AsyncDisposableStack()
    let scratch: Scratch
    let env: Record<string, string>

    before(async () => {
      scratch = stack.use(await makeScratch())
      const dir = scratch.dir
      env = {
        ...{ SLIPWAY_ROOT: scratch.path('state'), DOCKER_CONFIG: dir, BUILDX_CONFIG: dir },
        ...{ DOCKER_HOST: 'unix:///nowhere', BUILDX_BUILDER: 'slipway', BUILDX_EXPERIMENTAL: '1' },
      }
      if (daemon !== 'embedded') {
        const started =
          daemon === 'serve'
            ? await startServe({ dir, name: 'd' })
            : await startBuildkitd({ dir: scratch.path('bk') })
        const { address } = stack.use(started)
        await callCli(['create', '--name=far', '--driver=remote', address], { cwd: dir, env })
        env['BUILDX_BUILDER'] = 'far'
      }
      await mkdir(scratch.path('context'))
      await copyFile(findProgram('busybox') ?? '', scratch.path('context', 'sh'))
    })
    after(() => stack.disposeAsync())

    /** `typed`: all at once, or a line whenever the prompt is shown again. */
    const debug = async (
      step: string,
      flags: readonly string[],
      typed: string | readonly string[],
    ): Promise<CliOutcome> => {
      const lines = ['FROM scratch', 'COPY --chmod=755 sh /bin/sh', 'WORKDIR /place', 'ENV FOO=bar', step]
      await writeFile(scratch.path('context', 'Dockerfile'), `${lines.join('\n')}\n`)
      const args = ['debug', ...flags, 'build', '--progress=plain', '-o', 'type=cacheonly', '.']
      const cwd = scratch.path('context')
      if (typeof typed === 'string') return await callCli(args, { cwd, env, stdin: typed })
      const stdin = new PassThrough()
      let waiting = typed
      const onStdout = (text: string): void => {
        if (!text.endsWith('(buildx) ') || waiting[0] === undefined) return
        stdin.write(`${waiting[0]}\n`)
        waiting = waiting.slice(1)
      }
      stdin.write(leave)
      return await callCli(args, { cwd, env, stdin, onStdout })
    }

    it('shows what a failed step left, and ends as the build does', async () => {
      const given = 'cat /place/p; echo $FOO; exit 5\n'
      const { code, stdout, stderr } = await debug(`RUN ${failing}`, ['--invoke=/bin/sh'], given)
      assert.equal(code, 1)
      assert.match(
        stdout.replace(/"[a-z0-9]{25}"/, 'ID'),
        /^Launching interactive container\. Press Ctrl-a-c to switch to monitor console\nInteractive container was restarted with process ID\. Press Ctrl-a-c to switch to the new container\npartial\nbar\nSwitched IO\n\(buildx\) \n$/,
      )
      const failure =
        'process "/bin/sh -c echo partial > p; exit 3" did not complete successfully: exit code: 3\n'
      assert.ok(
        stderr.includes(`--------------------\nERROR: ${failure}ERROR: invoke: exit code: 5\n`),
        stderr,
      )
      assert.ok(stderr.endsWith(`ERROR: failed to build: failed to solve: ${failure}`), stderr)
    })

    it('has commands behind Ctrl-a-c', async () => {
      const lines = [
        'ps',
        'exec /bin/sh -c "echo one; exit 4"',
        'ps',
        'rollback --init /bin/sh -c "ls /place; echo two"',
        'rollback /bin/sh -c "ls /place"',
        ...['attach x', 'attach', 'exec', 'what is', 'help ps', 'exit'],
      ]
      const { stdout, stderr } = await debug(`RUN ${failing}`, ['--invoke=/bin/sh'], lines)
      const said = stdout
        .slice(stdout.indexOf('Switched IO'))
        .replaceAll(/[a-z0-9]{25}/g, 'ID')
        .split(/^(?:\(buildx\) )+/m)
      const [, list = '', one = '', none = '', two = '', three = '', ...rest] = said
      assert.match(list, /^PID\t+CURRENT_SESSION\tCOMMAND\nID\ttrue\t+\[\/bin\/sh\]\n$/)
      assert.equal(one, `Process "ID" started. Press Ctrl-a-c to switch to that process.${shown('one')}`)
      assert.equal(none, 'PID\tCURRENT_SESSION\tCOMMAND\n')
      assert.equal(two, restarted + shown('two'))
      assert.equal(three, restarted + shown('p'))
      assert.deepEqual(rest.slice(0, 3), [
        'attach: pid x: not found\n',
        'attach: PID of process must be passed\n',
        'exec: command must be passed\n',
      ])
      assert.match(
        rest[3] ?? '',
        /^monitor: unknown command: "what is"\nAvailable commands are:\n {2}attach\t/,
      )
      assert.match(rest[4] ?? '', /^list processes invoked by "exec".*\n\nUsage:\n {2}ps\n\n$/)
      assert.match(stderr, /\nERROR: invoke: exit code: 4\n/)
    })

    it('runs what the image names, where the build has not failed and --on says always', async () => {
      const step = 'CMD ["/bin/sh", "-c", "pwd; echo $FOO $MORE"]'
      const run = await debug(step, ['--invoke', 'env=MORE=x', '--on=always'], '')
      assert.match(run.stdout, /\/ # $|\nSwitched IO\n/)
      const named = await debug(
        step,
        ['--invoke', 'args=/bin/sh,args=-c,args=pwd; echo $FOO', '--on=always'],
        '',
      )
      assert.match(named.stdout, /\n\/place\nbar\nSwitched IO\n/)
      assert.equal(named.code, 0, named.stderr)
      const quiet = await debug(step, ['--invoke=/bin/sh'], '')
      assert.equal(quiet.stdout, '')
    })

    it('reloads', async () => {
      const { code, stdout } = await debug(`RUN ${failing}`, ['--invoke=/bin/sh'], `${leave}reload\n`)
      assert.equal(code, 1)
      assert.equal(stdout.split('Launching interactive container').length, 3)
    })

    it('says what cannot be looked at', async () => {
      const { code, stderr } = await debug('COPY nosuch /', [], '')
      assert.equal(code, 1)
      assert.match(stderr, /ERROR: invoke: failed to create container: no result nor error is available: /)
    })
  })
}
