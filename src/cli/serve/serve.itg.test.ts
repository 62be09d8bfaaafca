import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { link, mkdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findProgram } from '../../../scripts/setup/programs.ts'
import { type RunResult, tryRun } from '../../../scripts/setup/run.ts'
import { type Background, startBackground } from '../../../test/support/background.ts'
import { lacks } from '../../../test/support/need.ts'
import { addProgram } from '../../../test/support/program-files.ts'
import { makeScratch, type Scratch } from '../../../test/support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../../../test/support/slipway.ts'
import { connectAddress } from '../../buildkit/client/connect.ts'
import { listWorkers } from '../../buildkit/client/daemon.ts'

describe('the daemon', { skip: lacks({ root: true, programs: ['runc', 'busybox'] }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand

  before(async () => {
    scratch = stack.use(await makeScratch())
    slipway = await openSlipway({ dir: scratch.dir })
  })
  after(() => stack.disposeAsync())

  const ready = (output: string): boolean => output.includes('running server on')
  const start = (...args: string[]): Promise<Background> =>
    startBackground([...slipway.command, 'serve', ...args], { env: slipway.env, ready })
  const refused = (...args: string[]): Promise<RunResult> =>
    tryRun([...slipway.command, 'serve', ...args], { env: slipway.env, timeout: 20_000 })
  const workers = async (address: string): Promise<Awaited<ReturnType<typeof listWorkers>>> => {
    await using connection = connectAddress(address)
    return await listWorkers(connection, AbortSignal.timeout(10_000))
  }

  it('has its addresses, group, log, labels and rules from its configuration', async () => {
    const config = scratch.path('full.toml')
    const sockets = [scratch.path('run', 'a.sock'), scratch.path('b.sock')]
    await writeFile(
      config,
      `root = ${JSON.stringify(scratch.path('full'))}
      colour = "green"
      [log]
        format = "json"
        level = "debug"
      [grpc]
        address = ${JSON.stringify([...sockets.map(path => `unix://${path}`), 'tcp://127.0.0.1:0'])}
        gid = 12
      [worker.oci]
        labels = { rack = "7" }
        platforms = ["linux/s390x"]
        [[worker.oci.gcpolicy]]
          all = true
          maxUsedSpace = "5MB"
      `,
    )
    await using daemon = await start('--config', config)
    const log = (): { level: string; msg: string }[] =>
      daemon
        .output()
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as { level: string; msg: string })
    assert.ok(
      log().some(({ level, msg }) => level === 'warning' && msg === 'configuration key colour has no effect'),
    )
    assert.ok(log().some(({ msg }) => /^TLS is not enabled for tcp:/.test(msg)))
    const tcp = /tcp:\/\/127\.0\.0\.1:[1-9]\d*/.exec(
      daemon.output().slice(daemon.output().indexOf('running')),
    )?.[0]
    for (const address of [...sockets.map(path => `unix://${path}`), tcp ?? '']) {
      const [worker] = await workers(address)
      assert.equal(worker?.labels['rack'], '7')
      assert.deepEqual(worker?.platforms, [{ os: 'linux', architecture: 's390x' }])
      assert.deepEqual(
        worker?.gcPolicy.map(rule => [rule.all, rule.maxUsedSpace]),
        [[true, 5n * 2n ** 20n]],
      )
    }
    assert.ok(log().some(({ level, msg }) => level === 'debug' && /Control\/ListWorkers ok after/.test(msg)))
    for (const path of sockets) {
      const { mode, gid } = await stat(path)
      assert.equal((mode & 0o777).toString(8), '660')
      assert.equal(gid, 12)
    }
    assert.equal((await stat(scratch.path('run'))).gid, 12)
  })

  it('takes a state directory as it is seen from where it was started', async () => {
    const address = `unix://${scratch.path('near.sock')}`
    const near = relative(process.cwd(), scratch.path('near'))
    await using _daemon = await start('--root', near, '--addr', address)
    await slipway.run('create', '--name=near', '--driver=remote', address)
    const context = scratch.path('near-context')
    await addProgram(context, findProgram('busybox') ?? '', 'bin/busybox')
    await writeFile(
      scratch.path('near-context', 'Dockerfile'),
      'FROM scratch\nCOPY . /\nRUN ["/bin/busybox", "true"]\n',
    )
    await slipway.run('build', '--builder=near', '-o', 'type=cacheonly', context)
    await stat(scratch.path('near', 'buildkitd.lock'))
  })

  it('keeps its cache within the limits that it is given', async () => {
    const address = `unix://${scratch.path('gc.sock')}`
    await using _daemon = await start(
      '--root',
      scratch.path('gc'),
      '--addr',
      address,
      '--oci-worker-gc-keepstorage=0,0,1',
    )
    await slipway.run('create', '--name=gc', '--driver=remote', address)
    await mkdir(scratch.path('big'))
    await writeFile(scratch.path('big', 'x'), Buffer.alloc(3e6, 'x'))
    await writeFile(scratch.path('big', 'Dockerfile'), 'FROM scratch\nCOPY x /x\n')
    await slipway.run('build', '--builder=gc', '-o', 'type=cacheonly', scratch.path('big'))
    let usage = ''
    for (let i = 0; i < 100 && !/Total:\s+0B/.test(usage); i++) {
      await sleep(100)
      usage = await slipway.run('du', '--builder=gc')
    }
    assert.match(usage, /Total:\s+0B/)
  })

  it('takes the place of a socket that nobody listens on any more, and of nothing else', async () => {
    const path = scratch.path('stale.sock')
    const dead = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)})`,
    ])
    for (let i = 0; i < 100 && !(await stat(path).catch(() => undefined)); i++) await sleep(50)
    dead.kill('SIGKILL')
    await using _daemon = await start('--root', scratch.path('stale'), '--addr', `unix://${path}`)
    assert.equal((await workers(`unix://${path}`)).length, 1)
    const second = await refused('--root', scratch.path('stale2'), '--addr', `unix://${path}`)
    assert.equal(second.code, 1)
    assert.match(second.stderr, /^ERROR: failed to listen on unix:\S+: address already in use$/m)
    const locked = await refused(
      '--root',
      scratch.path('stale'),
      '--addr',
      `unix://${scratch.path('other.sock')}`,
    )
    assert.equal(locked.code, 1)
    assert.match(locked.stderr, /^ERROR: could not lock \S+\/buildkitd\.lock, another instance running\?$/m)
    assert.equal((await workers(`unix://${path}`)).length, 1)
    const file = scratch.path('file')
    await writeFile(file, 'mine')
    assert.match((await refused('--addr', `unix://${file}`)).stderr, /exists and is not a socket/)
  })

  it('listens on a socket that was opened for it', async () => {
    const path = scratch.path('handed.sock')
    const again = scratch.path('again.sock')
    const server = createServer()
    await new Promise<void>(resolve => server.listen(path, resolve))
    // Who opened it takes its name away when it closes it.
    await link(path, again)
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd
    const [program, ...words] = slipway.command
    const child = spawn(program, [...words, 'serve', '--root', scratch.path('handed'), '--addr=fd://'], {
      env: { ...slipway.env, LISTEN_FDS: '1' },
      stdio: ['ignore', 'ignore', 'pipe', fd],
    })
    try {
      let output = ''
      for await (const chunk of child.stderr ?? []) {
        output += String(chunk)
        if (ready(output)) break
      }
      // Only one of us is to answer.
      server.close()
      assert.equal((await workers(`unix://${again}`)).length, 1)
    } finally {
      child.kill('SIGTERM')
      await new Promise(resolve => child.once('exit', resolve))
    }
    assert.match(
      (await refused('--root', scratch.path('none'), '--addr=fd://')).stderr,
      /no sockets found via socket activation/,
    )
  })

  it('stops when it is told to, with the builds that it runs', async () => {
    const path = scratch.path('stop.sock')
    await using daemon = await start('--root', scratch.path('stop'), '--addr', `unix://${path}`)
    await slipway.run('create', '--name=stop', '--driver=remote', `unix://${path}`)
    await mkdir(scratch.path('slow'))
    await tryRun(['cp', findProgram('busybox') ?? '', scratch.path('slow', 'busybox')])
    await writeFile(
      scratch.path('slow', 'Dockerfile'),
      'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox","sleep","4321"]\n',
    )
    const building = slipway.try('build', '--builder=stop', '--progress=plain', scratch.path('slow'))
    const sleeping = async (): Promise<boolean> =>
      (await tryRun(['pgrep', '-f', '^/busybox sleep 4321'])).code === 0
    for (let i = 0; i < 200 && !(await sleeping()); i++) await sleep(100)
    assert.ok(await sleeping())
    const asked = Date.now()
    process.kill(daemon.pid, 'SIGTERM')
    const { code, stderr } = await building
    assert.equal(code, 130, stderr)
    assert.match(stderr, /^ERROR: failed to build: failed to solve: Canceled: context canceled$/m)
    await daemon[Symbol.asyncDispose]()
    assert.ok(Date.now() - asked < 9000, 'it was not killed')
    assert.match(daemon.output(), /stopping server/)
    assert.equal(await sleeping(), false)
    assert.equal(await stat(path).catch(() => undefined), undefined)
  })
})
