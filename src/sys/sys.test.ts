import assert from 'node:assert/strict'
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { copyFileData } from './copy-file.ts'
import { makeDevice, mknod, splitDevice } from './device.ts'
import { errnoError, errnoOf } from './errno-error.ts'
import { lock, tryLock } from './file-lock.ts'
import type { TestJobs } from './fixtures/jobs.ts'
import { findMount, parseMountinfo } from './mountinfo.ts'
import { openBeneath } from './open-beneath.ts'
import { isAlive, processIdentity } from './process-identity.ts'
import { run, spawn } from './spawn.ts'
import { setFileTimes, setTimes } from './times.ts'
import { parseIdMap } from './user-namespace.ts'
import { WorkerPool } from './worker-pool.ts'
import { getXattr, getXattrs, listXattrs, removeXattr, setXattr } from './xattr.ts'

const dir = mkdtempSync(join(tmpdir(), 'slipway-sys-'))
after(() => rmSync(dir, { recursive: true }))
const file = (name: string, text = ''): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

describe('extended attributes', () => {
  it('keep binary values and odd names', () => {
    const path = file('x')
    const value = Buffer.from([1, 0, 255, 10, 61])
    setXattr(path, 'user.b', value)
    setXattr(path, 'user.a\udcff=', Buffer.alloc(0))
    assert.deepEqual(listXattrs(path), ['user.a\udcff=', 'user.b'])
    assert.deepEqual(getXattr(path, 'user.b'), value)
    assert.deepEqual([...getXattrs(path).values()], [Buffer.alloc(0), value])
    removeXattr(path, 'user.b')
    removeXattr(path, 'user.b')
    assert.equal(getXattr(path, 'user.b'), undefined)
  })

  it('fail in the form of Node errors', () => {
    const code = (fn: () => unknown): string | undefined => {
      try {
        fn()
      } catch (e) {
        return errnoOf(e)
      }
      return undefined
    }
    assert.equal(
      code(() => listXattrs(join(dir, 'none'))),
      'ENOENT',
    )
    assert.match(errnoError(2, 'mknod', '/x').message, /^ENOENT: no such file or directory, mknod '\/x'$/)
  })
})

describe('nodes and times', () => {
  it('makes fifos and whiteouts', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
    mknod(join(dir, 'wh'), 'char', 0o600)
    const stat = lstatSync(join(dir, 'wh'), { bigint: true })
    assert.ok(stat.isCharacterDevice())
    assert.deepEqual(splitDevice(stat.rdev), { major: 0, minor: 0 })
    mknod(join(dir, 'fifo'), 'fifo', 0o600)
    assert.ok(lstatSync(join(dir, 'fifo')).isFIFO())
  })

  it('encodes device numbers as the kernel does', () => {
    for (const [major, minor] of [
      [1, 3],
      [259, 0x12345],
      [0, 0],
    ] as const) {
      assert.deepEqual(splitDevice(BigInt(makeDevice(major, minor))), { major, minor })
    }
  })

  it('sets times to the nanosecond, of symlinks and before 1970 too', () => {
    symlinkSync('nowhere', join(dir, 'link'))
    for (const ns of [1_700_000_000_123_456_789n, -1n, -2_000_000_000n]) {
      setTimes(join(dir, 'link'), 0n, ns)
      assert.equal(lstatSync(join(dir, 'link'), { bigint: true }).mtimeNs, ns)
    }
    const fd = openSync(file('timed'), 'r')
    setFileTimes(fd, 5n, 1_700_000_000_000_000_001n)
    closeSync(fd)
    assert.equal(lstatSync(join(dir, 'timed'), { bigint: true }).mtimeNs, 1_700_000_000_000_000_001n)
  })
})

describe('files', () => {
  it('copies small and large files', () => {
    for (const size of [0, 10, 300_000]) {
      const from = openSync(file('from', 'x'.repeat(size)), 'r')
      const to = openSync(join(dir, 'to'), 'w')
      assert.equal(copyFileData(from, to, size), size)
      closeSync(from)
      closeSync(to)
      assert.equal(readFileSync(join(dir, 'to')).length, size)
    }
  })

  it('never leaves the directory that openBeneath starts from', t => {
    file('inside', 'in')
    symlinkSync('/etc', join(dir, 'etc'))
    const root = openSync(dir, 'r')
    const fd = openBeneath(root, 'inside')
    if (fd === undefined) t.skip('no openat2 here')
    else {
      assert.equal(readFileSync(fd, 'utf8'), 'in')
      closeSync(fd)
      assert.throws(() => openBeneath(root, 'etc/passwd'), { code: 'ELOOP' })
      assert.throws(() => openBeneath(root, '../x'), { code: 'EXDEV' })
    }
    closeSync(root)
  })

  it('locks against other holders, shared ones apart', async () => {
    const path = join(dir, 'lock')
    const held = await lock(path)
    assert.equal(tryLock(path), undefined)
    await assert.rejects(lock(path, { signal: AbortSignal.timeout(20) }), { code: 'deadline-exceeded' })
    held[Symbol.dispose]()
    using a = tryLock(path, { shared: true })
    using b = tryLock(path, { shared: true })
    assert.ok(a !== undefined && b !== undefined)
  })
})

describe('processes', () => {
  it('are identified by number and start time', async () => {
    const me = processIdentity()
    assert.ok(me !== undefined && isAlive(me))
    assert.equal(isAlive({ ...me, startTime: me.startTime - 1 }), false)
    const { child, exit } = spawn('sleep', ['100'])
    const other = processIdentity(child.pid)
    assert.ok(other !== undefined && isAlive(other))
    child.kill('SIGKILL')
    assert.equal(await exit, 137)
    assert.equal(isAlive(other), false)
  })

  it('run to their end with input and output', async () => {
    const output = await run('sh', ['-c', 'cat; echo err >&2'], { input: 'abc' })
    assert.equal(output.stdout.toString(), 'abc')
    assert.equal(output.stderr.toString(), 'err\n')
  })

  it('fail with their last words, or because they are missing', async () => {
    await assert.rejects(run('sh', ['-c', 'echo no >&2; exit 7']), {
      message: 'sh: exit status 7: no',
      exitCode: 7,
    })
    await assert.rejects(run('no-such-program', []), {
      code: 'failed-precondition',
      hint: /install no-such-program/,
    })
    await assert.rejects(run('sh', ['-c', 'echo 12345'], { limit: 3 }), { code: 'resource-exhausted' })
  })

  it('end with the signal, the stubborn ones too', async () => {
    const controller = new AbortController()
    const options = { signal: controller.signal, killAfterMs: 50 }
    const { child, exit } = spawn(
      'sh',
      ['-c', 'trap "" TERM; echo up; while :; do sleep 0.01; done'],
      options,
    )
    await new Promise(resolve => child.stdout?.once('data', resolve))
    controller.abort()
    assert.equal(await exit, 137)
    await assert.rejects(run('sleep', ['100'], { signal: controller.signal }), { code: 'canceled' })
  })
})

describe('kernel tables', () => {
  it('are read', () => {
    const mounts = parseMountinfo(
      '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n' +
        '30 22 0:26 / /a\\040b rw,nosuid - tmpfs tmpfs rw,size=5k\nbroken\n',
    )
    assert.equal(mounts.length, 2)
    assert.equal(mounts[1]?.mountPoint, '/a b')
    assert.equal(findMount(mounts, '/a b/c')?.type, 'tmpfs')
    assert.equal(findMount(mounts, '/a bc')?.type, 'ext4')
    assert.deepEqual(parseIdMap('         0          0 4294967295\n'), [
      { inside: 0, outside: 0, length: 4294967295 },
    ])
  })
})

describe('worker pool', () => {
  const entry = new URL('./fixtures/jobs.ts', import.meta.url)

  it('runs jobs, tells events and passes errors on', async () => {
    await using pool = new WorkerPool<TestJobs>({ entry, size: 2 })
    const events: string[] = []
    assert.equal(await pool.run('double', 21, { onEvent: e => events.push(e) }), 42)
    assert.deepEqual(events, ['half way'])
    await assert.rejects(pool.run('fail', '/x'), { code: 'resource-exhausted', hint: /free some disk space/ })
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(n => pool.run('double', n))), [2, 4, 6, 8])
  })

  it('stops a job in the middle of its work when the signal aborts', async () => {
    await using pool = new WorkerPool<TestJobs>({ entry, size: 1 })
    for (const job of ['spin', 'wait'] as const) {
      const controller = new AbortController()
      const running = pool.run(job, null, { signal: controller.signal })
      await setTimeout(50)
      controller.abort()
      await assert.rejects(running, { code: 'canceled' })
    }
    assert.equal(await pool.run('double', 1), 2)
  })

  it('replaces a thread that died', async () => {
    await using pool = new WorkerPool<TestJobs>({ entry, size: 1 })
    await assert.rejects(pool.run('die', null), { code: 'internal' })
    assert.equal(await pool.run('double', 1), 2)
  })
})
