import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSlipwayError } from '../errors/slipway-error.ts'
import { loadCdi } from './cdi/cdi-registry.ts'
import type { ContainerMount } from './executor.ts'
import { createExecutor } from './runc-executor.ts'
import { cannotRun, ExecutorFixture, Output } from './testing/executor-fixture.ts'

const skip = await cannotRun()

/** Paths below a directory, sorted. */
function tree(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).sort()
}

/** Arguments of a process, each with a NUL behind it; empty when it is gone. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Looks until what it finds is right. */
async function eventually<T>(look: () => T, right: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = look()
    if (right(found)) return found
    await sleep(20)
  }
}

function hostMounts(part: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(part))
}

describe('containers on runc', { skip }, () => {
  let f: ExecutorFixture
  before(async () => {
    f = await ExecutorFixture.create()
  })
  after(async () => await f[Symbol.asyncDispose]())

  test('a process writes to its layer, and its output and exit code arrive', async () => {
    const container = f.container('echo out; echo err >&2; echo data >/new; rm /etc/passwd; exit 7')
    const { status, stdout, stderr } = await f.run(container)
    assert.deepEqual(status, { code: 7 })
    assert.deepEqual([stdout, stderr], ['out\n', 'err\n'])
    assert.deepEqual(tree(container.upper), ['etc', 'etc/passwd', 'new'])
    assert.equal(lstatSync(join(container.upper, 'etc/passwd')).isCharacterDevice(), true)
    assert.deepEqual(hostMounts(f.directory), [])
  })

  test('a process that does nothing leaves an empty layer', async () => {
    const container = f.container('true')
    await f.run(container)
    assert.deepEqual(tree(container.upper), [])
  })

  test('a root without them keeps /dev, /proc and /sys, as with BuildKit', async () => {
    const base = f.make('bare')
    cpSync(join(f.base, 'bin'), join(base, 'bin'), { recursive: true, verbatimSymlinks: true })
    const upper = f.make('upper')
    const root = { kind: 'overlay' as const, lowers: [base], upper, work: f.make('work') }
    await f.run(f.container('true', { root }))
    assert.deepEqual(tree(upper), ['dev', 'proc', 'sys'])
  })

  test('output arrives while the process runs', async () => {
    const output = new Output()
    const running = f.executor.run(f.container('echo first; sleep 0.2; echo last'), output)
    await output.waitFor('first')
    assert.equal(output.text, 'first\n')
    await running
    assert.equal(output.text, 'first\nlast\n')
  })

  test('standard input is empty unless some is given', async () => {
    assert.equal((await f.run(f.container('cat; echo end'))).stdout, 'end\n')
    const output = new Output()
    const stdin = (async function* () {
      yield Buffer.from('one ')
      yield Buffer.from('two')
    })()
    const stdio = { stdin, stdout: output.stdout, stderr: output.stderr }
    await f.executor.run(f.container('cat; echo " end"'), stdio)
    assert.equal(output.text, 'one two end\n')
  })

  test('/dev/stdout can be opened again', async () => {
    assert.equal((await f.run(f.container('echo again >/dev/stdout'))).stdout, 'again\n')
  })

  test('a wrapper waits for the next container while one runs, and goes when none comes', async () => {
    const waiting = (): number[] =>
      readdirSync('/proc')
        .filter(pid => /^\d+$/.test(pid) && commandLine(pid).includes(`${f.directory}/executor/sandbox`))
        .filter(pid => commandLine(pid).includes('read -r setup') && commandLine(pid).startsWith('sh\0'))
        .map(Number)
    const output = new Output()
    await using running = await f.executor.start(f.container('echo up; sleep 1000'), output)
    await output.waitFor('up')
    const [spare] = await eventually(waiting, found => found.length === 1)
    const { stdout } = await f.run(f.container('echo from the next'))
    assert.equal(stdout, 'from the next\n')
    assert.ok(!existsSync(`/proc/${spare}`), 'it was the one that waited')
    await eventually(waiting, found => found.length === 0)
    await running.signal('KILL')
  })

  test('a process killed by a signal has exit code 128 + number', async () => {
    const { status } = await f.run(f.container('sh -c "kill -TERM \\$\\$"; exit $?'))
    assert.equal(status.code, 143)
  })

  test('host name, hosts and resolv.conf are those of the sandbox, and not in the layer', async () => {
    const extraHosts = [{ host: 'db', ip: '10.1.2.3' }]
    const container = f.container(
      'hostname; cat /etc/hosts; grep -c nameserver /etc/resolv.conf; echo x >>/etc/hosts',
      {
        extraHosts,
      },
    )
    const { stdout, stderr } = await f.run(container)
    const lines = stdout.split('\n')
    assert.equal(lines[0], 'buildkitsandbox')
    assert.equal(lines[1], '127.0.0.1\tlocalhost buildkitsandbox')
    assert.equal(lines[2], '::1\tlocalhost ip6-localhost ip6-loopback')
    assert.equal(lines[3], '10.1.2.3\tdb')
    assert.ok(Number(lines[4]) >= 1)
    assert.match(stderr, /Read-only file system/)
    assert.deepEqual(tree(container.upper), [])
    const named = await f.run(f.container('hostname; cat /etc/hosts', { hostname: 'box' }))
    assert.match(named.stdout, /^box\n127\.0\.0\.1\tlocalhost box\n/)
  })

  test('capabilities, system calls and kernel files are those of a sandbox', async () => {
    const script = `
      grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status
      cat /proc/kcore | head -c 1 | wc -c
      ls /proc/acpi | wc -l
      echo 1 >/proc/sys/kernel/hostname || echo no
      touch /sys/x || echo no
      mount -t tmpfs tmpfs /tmp || echo no
      for d in /sys/fs/cgroup/memory /sys/fs/cgroup; do test -d $d && break; done; mkdir $d/x || echo no
      echo pid $$
      stat -c %a /dev/null
      df /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2`
    const { stdout } = await f.run(f.container(script))
    assert.match(stdout, /CapEff:\s*00000000a80425fb/)
    assert.match(stdout, /NoNewPrivs:\s*0/)
    assert.match(stdout, /Seccomp:\s*2/)
    assert.match(stdout, /\n0\n0\nno\nno\nno\nno\npid 1\n666\n/)
  })

  test('a container without a sandbox has every capability and may mount', async () => {
    const script =
      'grep -E "CapEff|Seccomp:" /proc/self/status; mount -t tmpfs tmpfs /tmp && echo mounted; ls /dev/kmsg /dev/loop0'
    const { stdout } = await f.run(f.container(script, { security: 'insecure' }))
    const held = /CapEff:\s*([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    assert.match(stdout, new RegExp(`CapEff:\\s*${held}`))
    assert.match(stdout, /Seccomp:\s*0\nmounted\n\/dev\/kmsg\n\/dev\/loop0\n/)
  })

  test('limits: ulimits, /dev/shm, memory', async () => {
    const ulimits = [{ name: 'nofile', soft: 1062, hard: 1062 }]
    const container = f.container('ulimit -n; mount | grep /dev/shm', { ulimits, shmSize: 128 << 20 })
    const { stdout } = await f.run(container)
    assert.match(stdout, /^1062\n.*size=131072k/)
    const resources = { memory: 16 << 20, memorySwap: 16 << 20 }
    const hungry = f.container('x=a; while :; do x=$x$x; done', { resources })
    const { status } = await f.run(hungry)
    assert.equal(status.code, 137)
    assert.equal(status.oomKilled, true)
  })

  test('the control group is removed, also below another parent', async () => {
    const container = f.container('cat /proc/self/cgroup', { cgroupParent: 'test.slipway' })
    const { stdout } = await f.run(container)
    assert.match(stdout, new RegExp(`:/test.slipway/slipway/${container.id}\n`))
    const left = readdirSync('/sys/fs/cgroup', { recursive: true }).map(String)
    assert.deepEqual(
      left.filter(path => path.includes(container.id)),
      [],
    )
  })

  test('network modes: none has a loopback interface only, default and host share ours', async () => {
    const script = 'ls /sys/class/net; ip -o addr show lo | wc -l; readlink /proc/self/ns/net'
    const none = await f.run(f.container(script, { network: 'none' }))
    assert.match(none.stdout, /^lo\n[1-9]\n/)
    const shared = await f.run(f.container('readlink /proc/self/ns/net', { network: 'host' }))
    const fallback = await f.run(f.container('readlink /proc/self/ns/net'))
    assert.equal(shared.stdout, fallback.stdout)
    assert.ok(!none.stdout.includes(shared.stdout))
  })

  test('mounts: trees read-only and writable, parts of trees, files, tmpfs', async () => {
    const source = f.make('source')
    mkdirSync(join(source, 'a/b'), { recursive: true })
    writeFileSync(join(source, 'a/b/file'), 'in source')
    symlinkSync('/a/b', join(source, 'link'))
    const upper = f.make('upper')
    const work = f.make('work')
    const writable = { kind: 'overlay' as const, lowers: [source], upper, work }
    const cache = f.make('cache')
    const mounts: ContainerMount[] = [
      { kind: 'bind', source: { kind: 'overlay', lowers: [source] }, target: '/ro', readonly: true },
      { kind: 'bind', source: writable, target: '/rw', readonly: false },
      { kind: 'bind', source: writable, subpath: 'link/file', target: '/etc/part', readonly: true },
      { kind: 'bind', source: writable, subpath: '/a', target: '/part', readonly: false },
      { kind: 'bind', source: { kind: 'overlay', lowers: [source] }, target: '/thrown', readonly: false },
      { kind: 'bind', source: { kind: 'directory', path: cache }, target: '/cache', readonly: false },
      { kind: 'bind', source: { kind: 'overlay', lowers: [] }, target: '/empty', readonly: true },
      { kind: 'tmpfs', target: '/scratch/x', size: 4 << 20 },
    ]
    const script = `
      cat /ro/a/b/file; echo; touch /ro/x || echo read-only; echo changed >/rw/a/b/file; cat /etc/part; cat /part/b/file
      echo 1 >/part/new; ls /rw/a; echo 2 >/thrown/gone; echo 3 >/cache/kept; echo 4 >/scratch/x/y; ls -A /empty | wc -l
      mount | grep -c 'on /scratch/x type tmpfs.*size=4096k'`
    const container = f.container(script, { mounts })
    const { stdout, status } = await f.run(container)
    assert.equal(stdout, 'in source\nread-only\nchanged\nchanged\nb\nnew\n0\n1\n')
    assert.equal(status.code, 0)
    assert.equal(readFileSync(join(source, 'a/b/file'), 'utf8'), 'in source')
    assert.equal(readFileSync(join(upper, 'a/new'), 'utf8'), '1\n')
    assert.equal(readFileSync(join(cache, 'kept'), 'utf8'), '3\n')
    assert.deepEqual(tree(container.upper), [])
    assert.deepEqual(readdirSync(join(f.directory, 'executor/scratch')), [])
  })

  test('a part that is missing is named, and one that leads outside is not followed', async () => {
    const source = f.make('source')
    symlinkSync('/../../../../etc/passwd', join(source, 'evil'))
    const bind = (subpath: string): ContainerMount => ({
      kind: 'bind',
      source: { kind: 'overlay', lowers: [source] },
      subpath,
      target: '/x',
      readonly: true,
    })
    for (const subpath of ['/nothing', 'evil']) {
      await assert.rejects(f.run(f.container('true', { mounts: [bind(subpath)] })), error => {
        assert.ok(isSlipwayError(error))
        assert.equal(error.code, 'not-found')
        assert.equal(error.message, `open ${subpath}: no such file or directory`)
        return true
      })
    }
  })

  test('a secret is a file of its owner on a tmpfs, and in no layer', async () => {
    const data = Buffer.from([0, 1, 2, 255, 10])
    const mounts: ContainerMount[] = [
      { kind: 'secret', data, target: '/run/secrets/token', uid: 12, gid: 34, mode: 0o400 },
    ]
    const script =
      'stat -c "%a %u %g %s" /run/secrets/token; grep /run/secrets/token /proc/mounts; echo x >/run/secrets/token'
    const container = f.container(script, { mounts })
    const { stdout, stderr } = await f.run(container)
    assert.match(stdout, /^400 12 34 5\nslipway \/run\/secrets\/token tmpfs ro,nosuid,nodev,noexec/)
    assert.match(stderr, /Read-only file system/)
    assert.deepEqual(tree(container.upper), [])
  })

  test('a socket of the host can be mounted', async () => {
    const path = join(f.make('socket'), 's')
    const server = createServer(socket => socket.end('hello')).listen(path)
    const mounts: ContainerMount[] = [{ kind: 'file', path, target: '/run/agent.sock', readonly: false }]
    const { stdout } = await f.run(f.container('test -S /run/agent.sock && echo socket', { mounts }))
    server.close()
    assert.equal(stdout, 'socket\n')
  })

  test('mount points made for mounts are gone afterwards, what was written stays', async () => {
    const tmpfs = (target: string): ContainerMount => ({ kind: 'tmpfs', target })
    const base = f.make('layer')
    mkdirSync(join(base, 'test/qux'), { recursive: true })
    const upper = f.make('upper')
    const root = { kind: 'overlay' as const, lowers: [f.base, base], upper, work: f.make('work') }
    const mounts = ['/test/foo', '/test/bar/x/y', '/test/baz/x', '/test/qux'].map(tmpfs)
    await f.run(f.container('touch /test/baz/keep', { root, mounts }))
    assert.deepEqual(tree(upper), ['test', 'test/baz', 'test/baz/keep'])
  })

  test('directories above mount points keep their times, and those that a step set', async () => {
    const container = f.container('touch -d @1234567890 /etc /tmp', {
      mounts: [
        { kind: 'tmpfs', target: '/tmp/foo/bar' },
        { kind: 'tmpfs', target: '/root/cache' },
      ],
    })
    await f.run(container)
    assert.deepEqual(tree(container.upper), ['etc', 'tmp'])
    for (const name of ['etc', 'tmp']) {
      assert.equal(lstatSync(join(container.upper, name)).mtimeMs, 1234567890_000)
    }
  })

  test('a symlink put in the place of a directory does not lead the clean-up outside', async () => {
    const outside = f.make('outside')
    mkdirSync(join(outside, 'cache'))
    const container = f.container(`mkdir /place; ln -s ${outside} /place/dir`, {
      mounts: [{ kind: 'tmpfs', target: '/data/dir/cache' }],
    })
    await f.run(container)
    // The container could not move /data away under the mount; somebody who can changes the layer the same way.
    const again = f.container(`mv /data /old 2>/dev/null; ln -s ${outside} /data`, {
      mounts: [{ kind: 'tmpfs', target: '/data/cache' }],
    })
    await f.run(again)
    assert.deepEqual(tree(outside), ['cache'])
  })

  test('the working directory is made, owned by the user, and stays', async () => {
    const user = { uid: 1000, gid: 1000, groups: [20] }
    const container = f.container('', {})
    const process = { ...container.process, args: ['sh', '-c', 'id; pwd; touch x'], cwd: '/srv/app', user }
    const { stdout } = await f.run({ ...container, process })
    assert.equal(stdout, 'uid=1000 gid=1000 groups=20,1000\n/srv/app\n')
    const stats = lstatSync(join(container.upper, 'srv/app'))
    assert.deepEqual([stats.uid, stats.gid, stats.mode & 0o777], [1000, 1000, 0o755])
    assert.deepEqual(tree(container.upper), ['srv', 'srv/app', 'srv/app/x'])
  })

  test('a read-only root cannot be written to', async () => {
    const root = { kind: 'overlay' as const, lowers: [f.base] }
    const container = f.container('touch /x', {
      root,
      readonlyRoot: true,
      mounts: [{ kind: 'tmpfs', target: '/a/b' }],
    })
    const { status, stderr } = await f.run(container)
    assert.equal(status.code, 1)
    assert.match(stderr, /Read-only file system/)
    assert.deepEqual(
      tree(f.base).filter(path => path.startsWith('a')),
      [],
    )
  })

  test('a plain directory can be the root', async () => {
    const root = f.make('root')
    const source = { kind: 'overlay' as const, lowers: [f.base] }
    mkdirSync(join(root, 'etc'))
    const { stdout } = await f.run(
      f.container('', {
        root: { kind: 'directory', path: root },
        mounts: [{ kind: 'bind', source, subpath: 'bin', target: '/bin', readonly: true }],
        process: { ...f.container('').process, args: ['/bin/sh', '-c', 'ls /; echo x >/made'] },
      }),
    )
    assert.equal(stdout, 'bin\ndev\netc\nproc\nsys\n')
    assert.deepEqual(tree(root), ['dev', 'etc', 'made', 'proc', 'sys'])
  })

  test('hundreds of layers can be mounted, and odd names of directories', async () => {
    const layers = Array.from({ length: 620 }, (_, i) => {
      const layer = f.make('a-layer-with-quite-a-long-name-')
      writeFileSync(join(layer, `file${i}`), '')
      return layer
    })
    const many = f.container('ls / | grep -c file', {
      root: { kind: 'overlay', lowers: [f.base, ...layers], upper: f.make('up'), work: f.make('wo') },
    })
    assert.equal((await f.run(many)).stdout, '620\n')
    const odd = f.make('with, comma: colon and \\ backslash ')
    writeFileSync(join(odd, 'odd'), 'odd\n')
    const root = { kind: 'overlay' as const, lowers: [f.base, odd], upper: f.make('o'), work: f.make('w') }
    assert.equal((await f.run(f.container('cat /odd', { root }))).stdout, 'odd\n')
  })

  test('an abort kills the container and resolves when it is gone', async () => {
    const controller = new AbortController()
    const output = new Output()
    const container = f.container('trap "" TERM INT; sleep 1000 & echo started; sleep 1000')
    const running = f.executor.run(container, output, controller.signal)
    await output.waitFor('started')
    controller.abort()
    await assert.rejects(running, { code: 'canceled' })
    assert.deepEqual(processesWith(container.id), [])
    assert.deepEqual(tree(container.upper), [])
    assert.equal(output.text, 'started\n')
  })

  test('an abort before or while the container is set up leaves nothing', async () => {
    const container = f.container('sleep 1000')
    await assert.rejects(f.run(container, AbortSignal.abort()), { code: 'canceled' })
    for (const delay of [0, 2, 5, 10, 20, 40]) {
      const each = f.container('sleep 1000')
      const signal = AbortSignal.timeout(delay)
      await assert.rejects(f.run(each, signal), { code: 'deadline-exceeded' })
      assert.deepEqual(processesWith(each.id), [])
    }
    assert.deepEqual(hostMounts(f.directory), [])
  })

  test('kill -9 of the process that builds ends the container and leaves no mount', async () => {
    const marker = `marker${process.pid}`
    const program = `
      import { ExecutorFixture } from ${JSON.stringify(new URL('./testing/executor-fixture.ts', import.meta.url).href)}
      const f = await ExecutorFixture.create()
      console.log(f.directory)
      const say = chunk => process.stdout.write(chunk)
      await f.executor.run(f.container('echo ${marker} running; sleep 1000; : ${marker}'), { stdout: say, stderr: say })`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program])
    let said = ''
    for await (const chunk of child.stdout) {
      said += String(chunk)
      if (said.includes('running')) break
    }
    const directory = said.split('\n')[0] as string
    assert.ok(processesWith(`: ${marker}`).length > 0)
    child.kill('SIGKILL')
    const ended = Date.now() + 10_000
    while (processesWith(`: ${marker}`).length > 0 && Date.now() < ended) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    assert.deepEqual(processesWith(`: ${marker}`), [])
    assert.deepEqual(hostMounts(directory), [])
  })

  test('what the runtime complains about is the output of the step', async () => {
    const run = async (args: string[], platform?: string) =>
      await f.run({
        ...f.container(''),
        process: { ...f.container('').process, args },
        ...(platform === undefined ? {} : { platform: { os: 'linux', architecture: platform } }),
      })
    const missing = await run(['nothere'])
    assert.equal(missing.status.code, 1)
    assert.match(missing.stderr, /exec: "nothere": executable file not found in \$PATH/)
    writeFileSync(join(f.base, 'bin/bad'), 'no program')
    chmodSync(join(f.base, 'bin/bad'), 0o755)
    const bad = await run(['/bin/bad'], 'arm64')
    assert.match(bad.stderr, /exec format error/)
    assert.match(bad.status.hint ?? '', /linux\/arm64.*`slipway binfmt --install arm64`/)
  })

  test('a set-up that fails says why', async () => {
    const root = { kind: 'overlay' as const, lowers: [f.base], upper: '/proc/sys', work: '/proc/sys' }
    await assert.rejects(f.run(f.container('true', { root })), error => {
      assert.ok(isSlipwayError(error))
      assert.equal(error.code, 'failed-precondition')
      assert.match(error.message, /^cannot set up the container: mount: .*overlay/)
      return true
    })
  })

  test('a missing runtime is an error of the first run only', async () => {
    const executor = await createExecutor({ root: f.make('executor'), searchPath: '/nonexistent' })
    await assert.rejects(executor.run(f.container('true'), new Output()), {
      code: 'failed-precondition',
      message: 'no OCI runtime found: neither runc nor crun is installed',
    })
  })

  test('a layer may be there twice, as in merged trees', async () => {
    const [one, two] = [f.make('one'), f.make('two')]
    writeFileSync(join(one, 'file'), 'one')
    writeFileSync(join(two, 'file'), 'two')
    const root = { kind: 'overlay' as const, lowers: [one, f.base, two, one] }
    assert.equal((await f.run(f.container('cat /file', { root }))).stdout, 'one')
  })

  test('CDI devices are injected', async () => {
    const directory = f.make('cdi')
    const edits = { env: ['FOO=injected'], deviceNodes: [{ path: '/dev/other', hostPath: '/dev/zero' }] }
    const spec = { kind: 'vendor1.com/device', devices: [{ name: 'foo', containerEdits: edits }] }
    writeFileSync(join(directory, 'one.json'), JSON.stringify(spec))
    await using g = await ExecutorFixture.create({
      loadCdi: () => loadCdi({ directories: [directory], autoAllowed: [] }),
    })
    const container = g.container('echo $FOO; head -c 3 /dev/other | wc -c', {
      cdiDevices: [
        { name: 'vendor1.com/device=foo', optional: false },
        { name: 'vendor2.com/device', optional: true },
      ],
    })
    assert.equal((await g.run(container)).stdout, 'injected\n3\n')
  })

  test('two containers run at once', async () => {
    const results = await Promise.all(
      [1, 2, 3].map(async n => await f.run(f.container(`echo ${n}; sleep 0.1`))),
    )
    assert.deepEqual(
      results.map(result => result.stdout),
      ['1\n', '2\n', '3\n'],
    )
  })
})

describe('containers with more than one process', { skip }, () => {
  let f: ExecutorFixture
  before(async () => {
    f = await ExecutorFixture.create()
  })
  after(async () => await f[Symbol.asyncDispose]())

  test('further processes see the container, and end with it', async () => {
    const container = f.container('echo up; echo content >/file; sleep 1000')
    const output = new Output()
    await using running = await f.executor.start(container, output)
    await output.waitFor('up')
    const second = new Output()
    const spec = {
      ...container.process,
      args: ['sh', '-c', 'cat /file; echo $NAME; pwd; exit 3'],
      env: ['PATH=/bin', 'NAME=v'],
    }
    const child = await running.exec({ ...spec, cwd: '/tmp' }, second)
    assert.deepEqual(await child.exit, { code: 3 })
    assert.equal(second.text, 'content\nv\n/tmp\n')
    const third = new Output()
    const long = await running.exec({ ...spec, args: ['sh', '-c', 'echo up; exec sleep 1000'] }, third)
    await third.waitFor('up')
    await running.signal('SIGKILL')
    assert.equal((await running.exit).code, 137)
    assert.equal((await long.exit).code, 137)
    await assert.rejects(running.exec(spec, new Output()), { code: 'failed-precondition' })
  })

  test('processes can be signalled and aborted', async () => {
    const container = f.container('trap "echo got TERM; exit 9" TERM; echo up; while :; do sleep 0.05; done')
    const output = new Output()
    await using running = await f.executor.start(container, output)
    await output.waitFor('up')
    const spec = { ...container.process, args: ['sleep', '1000'] }
    const signalled = await running.exec(spec, new Output())
    await signalled.signal('TERM')
    assert.equal((await signalled.exit).code, 143)
    const controller = new AbortController()
    const aborted = await running.exec(spec, new Output(), controller.signal)
    controller.abort()
    assert.equal((await aborted.exit).code, 137)
    await running.signal('TERM')
    assert.deepEqual(await running.exit, { code: 9 })
    assert.match(output.text, /got TERM/)
  })

  test('a terminal has a size that can change, takes input, and ends with the exit code', async () => {
    const output = new Output()
    const input = new TransformStream<Uint8Array, Uint8Array>()
    const writer = input.writable.getWriter()
    const container = f.container('tty; stty size; read x; echo "got $x"; stty size; read y; exit 5')
    const stdio = {
      stdin: input.readable,
      stdout: output.stdout,
      stderr: output.stderr,
      tty: { rows: 40, columns: 100 },
    }
    await using running = await f.executor.start(container, stdio)
    await output.waitFor('40 100')
    assert.match(output.text, /^\/dev\/pts\/0\r\n/)
    await running.resize({ rows: 50, columns: 120 })
    await new Promise(resolve => setTimeout(resolve, 300))
    await writer.write(Buffer.from('hello\n'))
    await output.waitFor('got hello')
    await output.waitFor('50 120')
    const second = new Output()
    const spec = { ...container.process, args: ['sh', '-c', 'stty size; exit 4'] }
    const child = await running.exec(spec, {
      stdout: second.stdout,
      stderr: second.stderr,
      tty: { rows: 5, columns: 6 },
    })
    assert.deepEqual(await child.exit, { code: 4 })
    assert.equal(second.text, '5 6\r\n')
    for (let i = 0; i < 4; i++) {
      const third = new Output()
      const late = { ...container.process, args: ['sh', '-c', 'sleep 0.2; stty size'] }
      const stdio = { stdout: third.stdout, stderr: third.stderr, tty: { rows: 5, columns: 6 } }
      const resized = await running.exec(late, stdio)
      await resized.resize({ rows: 7, columns: 8 }) // as it is being started
      await resized.exit
      assert.equal(third.text, '7 8\r\n')
    }
    await writer.write(Buffer.from('\n'))
    assert.deepEqual(await running.exit, { code: 5 })
  })

  test('disposing kills what still runs', async () => {
    const container = f.container('sleep 1000')
    const running = await f.executor.start(container, new Output())
    await running[Symbol.asyncDispose]()
    assert.deepEqual(processesWith(container.id), [])
    assert.ok(existsSync(container.upper))
  })
})

/** Numbers of processes whose command line contains `text`. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && name !== String(process.pid))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').includes(text)
      } catch {
        return false
      }
    })
}
