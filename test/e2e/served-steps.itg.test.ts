import assert from 'node:assert/strict'
import { symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { run, type RunResult } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { openPlace } from '../support/place.ts'
import type { Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import type { SlipwayCommand } from '../support/slipway.ts'

// Steps that a daemon of ours runs, or does not, in BuildKit's words.

const skip = lacks({ root: true, programs: ['runc', 'busybox'] })
const foreign = '--platform=linux/loong64'

describe('steps of a served daemon', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand

  before(async () => {
    const place = stack.use(await openPlace({ busybox: true }))
    ;({ scratch, slipway } = place)
    const daemon = stack.use(await startServe({ dir: scratch.dir, name: 'd' }))
    await slipway.run('create', '--name=served', '--driver=remote', daemon.address)
    await symlink('nowhere', scratch.path('context', 'to-nowhere'))
    await writeFile(
      scratch.path('context', 'other'),
      Buffer.from(`\x7fELF\x02\x01\x01${'\0'.repeat(200)}`, 'latin1'),
    )
  })
  after(() => stack.disposeAsync())

  /** Builds `FROM scratch` with two programs in it: `/busybox`, and `/other`, which the kernel does not know. */
  const build = async (lines: string, ...flags: string[]): Promise<RunResult> => {
    const file = scratch.path('Dockerfile')
    await writeFile(file, `FROM scratch\nCOPY --chmod=755 busybox other /\nUSER 0\n${lines}\n`)
    return await slipway.try('build', '--progress=plain', '-f', file, ...flags, scratch.path('context'))
  }

  it('are tried for platforms that the machine does not run: their program may be one of the machine', async () => {
    const { code, stderr } = await build('RUN ["/busybox", "true"]', '--builder=served', foreign)
    assert.equal(code, 0, stderr)
  })

  it('say what is missing where the kernel cannot run their program', async () => {
    const { code, stderr } = await build('RUN ["/other"]', '--builder=served', foreign)
    assert.equal(code, 1)
    assert.match(stderr, /process "\/other" did not complete successfully: exit code: \d+/)
    assert.match(stderr, /no support for running processes with linux\/loong64 platform/)
  })

  it('are refused before the first one by the engine in the command line', async () => {
    const { code, stderr } = await build('RUN ["/busybox", "true"]', foreign)
    assert.equal(code, 1)
    assert.match(stderr, /failed to load LLB: no support for running processes with linux\/loong64 platform/)
  })

  it('may copy nothing by a wildcard, but miss what is not there, or below a file, in the words of BuildKit', async () => {
    const messages: readonly (readonly [string, string])[] = [
      ['COPY nodir/*/x busybox /d/', 'lstat /nodir: no such file or directory'],
      ['COPY to-nowhere . /d/', 'lstat /nowhere: no such file or directory'],
      ['WORKDIR /busybox/x/y', 'lstat /busybox/x: not a directory'],
      [
        'FROM scratch AS b\nCOPY busybox /\nFROM scratch\nCOPY --from=b busybox/x /',
        'failed to compute cache key: failed to calculate checksum of ref …: "/busybox/x": not found',
      ],
    ]
    for (const [line, message] of messages) {
      const { code, stderr } = await build(line, '--builder=served')
      const shown = /ERROR: failed to build: failed to solve: (.*)/.exec(stderr)?.[1]
      assert.deepEqual([code, shown?.replace(/ref \S+:/, 'ref …:')], [1, message])
    }
    assert.equal((await build('COPY b?? busybox /d/', '--builder=served')).code, 0)
  })

  it('give the mode of --chmod to what is copied, and its plain permissions to folders that are made for it', async () => {
    const tar = scratch.path('out.tar')
    await build('COPY --chmod=1711 other /p/q/other', '--builder=served', '-o', `type=tar,dest=${tar}`)
    const listing = await run(['tar', 'tvf', tar])
    const modes = listing.split('\n').flatMap(line => (/ p\//.test(line) ? [line.split(' ', 1)[0]] : []))
    assert.deepEqual(modes, ['drwx--x--x', 'drwx--x--x', '-rwx--x--t'])
  })

  it('refuse a download that has another checksum, also when it was fetched before', async () => {
    const server = createServer((_, response) => void response.writeHead(200, { etag: '"e"' }).end('hello\n'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    using _server = { [Symbol.dispose]: () => void server.close() }
    const { port } = server.address() as AddressInfo
    const right = 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
    const wrong = right.replace('5891', '0000')
    for (const checksum of [wrong, right, wrong]) {
      const line = `ADD --checksum=${checksum} http://127.0.0.1:${port}/f /`
      const { code, stderr } = await build(line, '--builder=served')
      assert.equal(code, checksum === right ? 0 : 1, stderr)
      assert.equal(
        stderr.includes(`failed to solve: digest mismatch ${right}: ${wrong}\n`),
        checksum === wrong,
      )
    }
  })

  it('do not keep a build going that lacks a file', async () => {
    const line = 'COPY not-there /x'
    const { code, stderr } = await build(`RUN ["/busybox", "sleep", "3600"]\n${line}`, '--builder=served')
    assert.equal(code, 1)
    assert.match(
      stderr,
      /failed to compute cache key: failed to calculate checksum of ref \S+: "\/not-there": not found/,
    )
    assert.match(stderr, />>> COPY not-there \/x/)
  })

  it('fail as processes do where their user is not there', async () => {
    const { code, stderr } = await build('USER nobdy\nRUN ["/busybox", "true"]', '--builder=served')
    assert.equal(code, 1)
    const what = 'process "/busybox true" did not complete successfully'
    assert.ok(
      stderr.includes(`${what}: unable to find user nobdy: no matching entries in passwd file`),
      stderr,
    )
  })
})
