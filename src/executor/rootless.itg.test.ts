import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { copyFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasProgram } from './testing/busybox-root.ts'
import { cannotRun } from './testing/executor-fixture.ts'

const skip =
  (await cannotRun()) ||
  (['useradd', 'newuidmap', 'runuser'].every(hasProgram) ? false : 'needs useradd and newuidmap')

const clone = join(import.meta.dirname, '..', '..')

/** What the ordinary user runs: itself again in a namespace, and there `body`. `root` is where the user sees the clone. */
function programText(body: string, root: string): string {
  const at = (path: string): string => JSON.stringify(join(root, relative(clone, import.meta.dirname), path))
  return `
    import { userInfo } from 'node:os'
    import { needsUserNamespace, runInUserNamespace } from ${at('./rootless/run-in-user-namespace.ts')}
    import { ExecutorFixture } from ${at('./testing/executor-fixture.ts')}
    import { systemPath } from ${at('./runtime.ts')}
    const { uid, gid, username } = userInfo()
    if (needsUserNamespace(uid, process.env)) {
      try {
        process.exitCode = await runInUserNamespace([process.execPath, import.meta.filename], {
          user: { id: uid, name: username }, gid, env: process.env, searchPath: process.env.PATH, terminal: false,
        })
      } catch (error) {
        console.log(error.code + ': ' + error.message + ' | ' + error.hint)
        process.exitCode = 99
      }
    } else {
      const say = chunk => process.stdout.write(chunk)
      ${body}
    }`
}

describe('an ordinary user', { skip }, () => {
  const user = `slipwaytest${process.pid}`
  let directory: string
  let node: string
  let ids: { uid: number; gid: number }

  before(() => {
    execFileSync('useradd', ['--create-home', user])
    const [uid, gid] = ['-u', '-g'].map(flag => Number(execFileSync('id', [flag, user]).toString()))
    ids = { uid: uid as number, gid: gid as number }
    directory = mkdtempSync(join(tmpdir(), 'slipway-rootless-'))
    chmodSync(directory, 0o755)
    mkdirSync(join(directory, 'clone'))
    node = join(directory, 'node')
    // Where Node lies an ordinary user may not look.
    try {
      linkSync(process.execPath, node)
    } catch {
      copyFileSync(process.execPath, node)
    }
  })
  after(() => {
    execFileSync('userdel', ['--remove', user], { stdio: 'ignore' })
    rmSync(directory, { recursive: true, force: true })
  })

  function write(name: string, body: string): string {
    const path = join(directory, name)
    writeFileSync(path, programText(body, join(directory, 'clone')))
    return path
  }

  function start(program: string) {
    const tmp = mkdtempSync(join(directory, 'tmp-'))
    chownSync(tmp, ids.uid, ids.gid)
    const busybox = readdirSync(tmpdir()).filter(name => name.startsWith('slipway-test-busybox-'))
    for (const name of busybox) copyFileSync(join(tmpdir(), name), join(tmp, name))
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    // Some machines keep ordinary users from /dev/null; the test brings its own.
    const device = join(directory, 'null')
    const script = `test -e ${device} || { mknod ${device} c 1 3; chmod 666 ${device}; }
      mount --bind ${clone} ${join(directory, 'clone')} && mount --bind ${device} /dev/null && exec runuser -u ${user} -- "$@"`
    const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', node, program], {
      cwd: directory,
      env: { PATH: path, HOME: `/home/${user}`, TMPDIR: tmp },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += String(chunk)
    })
    child.stderr.on('data', chunk => {
      output += String(chunk)
    })
    const code = new Promise<number | null>(resolve => child.once('close', resolve))
    return { child, code, output: () => output }
  }

  test('runs containers as root of a user namespace', async () => {
    const program = write(
      'run.mts',
      `await using f = await ExecutorFixture.create()
       const script = 'id -u; touch /made; chown 12:34 /made; stat -c "%u %g" /made; rm /etc/passwd; ls /sys | wc -l; ' +
         'touch /sys/fs/cgroup/x 2>/dev/null || echo read-only; cat /proc/self/uid_map | wc -l; ' +
         'echo x >/dev/null && echo device; cat /run/secrets/s; mknod /tmp/x c 1 3 2>/dev/null || echo no device'
       const secret = { kind: 'secret', data: Buffer.from('hidden\\n'), target: '/run/secrets/s', uid: 5, gid: 6, mode: 0o400 }
       const container = f.container(script, { mounts: [secret] })
       const status = await f.executor.run(container, { stdout: say, stderr: say })
       const { readdirSync, lstatSync } = await import('node:fs')
       console.log(JSON.stringify([status, readdirSync(container.upper).sort(), lstatSync(container.upper + '/made').uid]))
       const none = f.container('ls /sys/class/net', { network: 'none' })
       console.log(JSON.stringify(await f.executor.run(none, { stdout: say, stderr: say })))
       const user = { ...f.container('').process, args: ['id', '-u'], user: { uid: 1000, gid: 1000, groups: [] }, cwd: '/w' }
       await f.executor.run(f.container('', { process: user }), { stdout: say, stderr: say })
       process.exitCode = 7`,
    )
    const { code, output } = start(program)
    assert.equal(await code, 7, output())
    const lines = output().split('\n')
    assert.deepEqual(lines.slice(0, 2), ['0', '12 34'])
    assert.ok(Number(lines[2]) > 3, output())
    assert.equal(lines[3], 'read-only')
    assert.deepEqual(lines.slice(5, 7), ['device', 'hidden'])
    assert.match(output(), /no device/)
    assert.match(output(), /\[\{"code":0\},\["etc","made"\],12\]/)
    assert.match(output(), /\nlo\n(?:\S+\n)*\{"code":0\}\n1000\n/)
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(directory))
  })

  test('signals reach the program, and its exit code comes back', async () => {
    const program = write(
      'signal.mts',
      `process.on('SIGTERM', () => { console.log('got TERM'); process.exit(5) })
       console.log('up')
       setInterval(() => {}, 1000)`,
    )
    const { child, code, output } = start(program)
    await until(() => output().includes('up'))
    // runuser passes SIGTERM on to its child.
    child.kill('SIGTERM')
    await code
    assert.match(output(), /got TERM/)
  })

  test('kill -9 of the outer process ends the container', async () => {
    const marker = `rootless${process.pid}`
    const program = write(
      'kill.mts',
      `const f = await ExecutorFixture.create()
       await f.executor.run(f.container('echo up; sleep 1000; : ${marker}'), { stdout: say, stderr: say })`,
    )
    const { output, code } = start(program)
    await until(() => output().includes('up'))
    const outer = withCommand(`^${node} ${program}`).sort((a, b) => a - b)[0] as number
    process.kill(outer, 'SIGKILL')
    await code
    await until(() => withCommand(marker).length === 0)
  })

  test('a user without subordinate ids is told how to get some', async () => {
    const files = ['/etc/subuid', '/etc/subgid']
    const kept = files.map(file => readFileSync(file, 'utf8'))
    for (const [i, file] of files.entries()) {
      const lines = kept[i]?.split('\n').filter(line => !line.startsWith(`${user}:`)) ?? []
      writeFileSync(file, lines.join('\n'))
    }
    try {
      const { code, output } = start(write('none.mts', ''))
      assert.equal(await code, 99)
      assert.match(
        output(),
        new RegExp(`no subordinate ids for user ${user} in /etc/subuid .*usermod --add-subuids`),
      )
    } finally {
      for (const [i, file] of files.entries()) writeFileSync(file, kept[i] ?? '')
    }
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 4000 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 5))
  assert.ok(condition())
}

/** Numbers of the processes whose command line contains `text`; a leading `^` stands for its beginning. */
function withCommand(text: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .filter(pid => {
      try {
        return `^${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`.includes(text)
      } catch {
        return false
      }
    })
    .map(Number)
}
