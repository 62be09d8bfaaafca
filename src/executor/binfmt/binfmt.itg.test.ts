import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { busyboxBinary } from '../testing/busybox-root.ts'
import { cannotRun } from '../testing/executor-fixture.ts'
import { probe } from './probe.ts'

/**
 * The kernel keeps handlers per user namespace since 6.7: the tests change those of one of their own. All ids below 65536
 * are mapped to themselves. Source: linux/Documentation/admin-guide/binfmt-misc.rst. Resolves to the exit code.
 */
async function runInNamespace(
  program: readonly string[],
  said: (text: string) => void,
): Promise<number | null> {
  const script = 'echo ready; read -r go; mount -t binfmt_misc x /proc/sys/fs/binfmt_misc && exec "$@" 2>&1'
  const child = spawn('unshare', ['--user', '--mount', 'sh', '-c', script, 'sh', ...program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let output = ''
  let mapped = false
  child.stdout.on('data', chunk => {
    output += String(chunk)
    if (mapped || !output.startsWith('ready\n')) return
    mapped = true
    for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${file}`, '0 0 65536')
    child.stdin.write('go\n')
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  said(output.slice('ready\n'.length))
  return code
}

async function whySkip(): Promise<string | false> {
  const reason = await cannotRun()
  if (reason !== false) return reason
  if (!existsSync('/usr/bin/qemu-aarch64-static')) return 'needs qemu-user-static'
  if (busyboxBinary('arm64') === undefined) return 'needs a foreign busybox from the Debian archive'
  if ((await runInNamespace(['true'], () => {})) === 0) return false
  return 'needs binfmt_misc in user namespaces (kernel 6.7)'
}

const skip = await whySkip()

describe('handlers of the kernel', { skip }, () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'slipway-binfmt-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  /** Runs a program in a user namespace with no handlers; what it prints as JSON. */
  async function inNamespace<T>(body: string): Promise<T> {
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const path = join(directory, `program${Math.random()}.mts`)
    writeFileSync(
      path,
      `import { manageHandlers } from ${at('./manage.ts')}
       import { createFactsReader } from ${at('./platforms.ts')}
       import { checkPlatform } from ${at('./check-platform.ts')}
       import { ExecutorFixture, Output } from ${at('../testing/executor-fixture.ts')}
       import { makeBusyboxRoot, busyboxBinary } from ${at('../testing/busybox-root.ts')}
       import { createExecutor } from ${at('../runc-executor.ts')}
       const native = { os: 'linux', architecture: 'amd64' }
       const mount = '/proc/sys/fs/binfmt_misc'
       const facts = createFactsReader(native, mount)
       const lines = []
       const manage = async (install, uninstall = [], search = {}) => JSON.parse(await manageHandlers({
         install, uninstall, mount, native, search, preserveArgv0: 'auto', facts, log: line => lines.push(line) }))
       ${body}`,
    )
    let said = ''
    const code = await runInNamespace([process.execPath, path], text => {
      said = text
    })
    assert.equal(code, 0, said)
    return JSON.parse(said) as T
  }

  test('are installed and uninstalled with one log line each', async () => {
    const { lines, before, after, file } = await inNamespace<{
      lines: string[]
      before: { supported: string[]; emulators: string[] | null }
      after: { supported: string[]; emulators: string[] }
      file: string
    }>(`
      const { readFileSync } = await import('node:fs')
      const before = await manage([])
      await manage(['arm64', 'x', 'linux/arm/v7', 'arm64'])
      const file = readFileSync(mount + '/qemu-aarch64', 'utf8')
      const after = await manage(['s390x'], ['linux/arm', 'nope', 'qemu-aarc*'])
      console.log(JSON.stringify({ lines, before, after, file }))`)
    assert.deepEqual(lines, [
      'installing: arm64 OK',
      'installing: x unsupported architecture: x',
      'installing: arm OK',
      'installing: arm64 qemu-aarch64 already registered',
      'uninstalling: arm OK',
      'uninstalling: nope not found',
      'uninstalling: qemu-aarch64 OK',
      'installing: s390x OK',
    ])
    assert.equal(before.emulators, null)
    assert.equal(before.supported[0], 'linux/amd64')
    assert.ok(!before.supported.includes('linux/arm64'))
    assert.deepEqual(after.emulators, ['qemu-s390x'])
    assert.ok(after.supported.includes('linux/s390x'))
    assert.match(
      file,
      /^enabled\ninterpreter \/usr\/bin\/qemu-aarch64-static\nflags: POCF\noffset 0\nmagic 7f454c46/,
    )
  })

  test('a platform is refused before its emulator is there, and runs afterwards', async () => {
    const { refused, output, status, own } = await inNamespace<Record<string, unknown>>(`
      const arm64 = { os: 'linux', architecture: 'arm64' }
      let refused
      try { checkPlatform(arm64, facts()) } catch (error) { refused = error.message }
      await manage(['arm64'])
      checkPlatform(arm64, facts())
      await using f = await ExecutorFixture.create()
      const root = f.make('arm')
      makeBusyboxRoot(root, busyboxBinary('arm64'))
      const container = script => f.container(script, {
        platform: arm64, root: { kind: 'overlay', lowers: [root], upper: f.make('u'), work: f.make('w') } })
      const run = await f.run(container('uname -m; echo $0 $(id -u)'))
      const { copyFileSync } = await import('node:fs')
      copyFileSync(busyboxBinary('amd64'), root + '/bin/busybox.native')
      const own = await f.run(container('/bin/busybox.native uname -m'))
      console.log(JSON.stringify({ refused, output: run.stdout, status: run.status, own: own.stdout }))`)
    assert.match(String(refused), /^no support for running processes with linux\/arm64 platform/)
    assert.equal(output, 'aarch64\n/bin/sh 0\n')
    assert.deepEqual(status, { code: 0 })
    assert.equal(own, 'x86_64\n')
  })

  test('a handler without flag F is found out', async () => {
    const { message, hint, supported } = await inNamespace<Record<string, string>>(`
      const { writeFileSync, openSync, writeSync, constants } = await import('node:fs')
      const { registrationRule } = await import(${JSON.stringify(new URL('./registration.ts', import.meta.url).href)})
      const { findArchitecture } = await import(${JSON.stringify(new URL('./architectures.ts', import.meta.url).href)})
      const rule = registrationRule(findArchitecture('arm64'), '/usr/bin/qemu-aarch64-static', { name: 'qemu-aarch64', preserveArgv0: false })
      writeSync(openSync(mount + '/register', constants.O_WRONLY), rule.replace(/CF$/, 'OC'))
      let caught
      try { checkPlatform({ os: 'linux', architecture: 'arm64' }, facts()) } catch (error) { caught = error }
      const fixed = await manage(['arm64'], ['qemu-aarch64'])
      checkPlatform({ os: 'linux', architecture: 'arm64' }, facts())
      console.log(JSON.stringify({ message: caught.message, hint: caught.hint, supported: fixed.supported.join() }))`)
    assert.match(
      message ?? '',
      /handler qemu-aarch64 has flags OC, without F: containers do not find \/usr\/bin\/qemu-aarch64-static/,
    )
    assert.match(hint ?? '', /`sudo slipway binfmt --uninstall qemu-aarch64 --install arm64`/)
    assert.match(supported ?? '', /linux\/arm64/)
  })

  test('an emulator can be mounted instead of registered', async () => {
    const said = await inNamespace<string>(`
      const { withEmulator } = await import(${JSON.stringify(new URL('./emulator-mount.ts', import.meta.url).href)})
      await using f = await ExecutorFixture.create()
      const root = f.make('arm')
      makeBusyboxRoot(root, busyboxBinary('arm64'))
      const container = f.container('', { root: { kind: 'overlay', lowers: [root], upper: f.make('u'), work: f.make('w') } })
      const process = { ...container.process, args: ['/bin/busybox', 'uname', '-m'] }
      const run = await f.run(withEmulator({ ...container, process }, '/usr/bin/qemu-aarch64-static'))
      console.log(JSON.stringify(run.stdout + run.stderr))`)
    assert.equal(said, 'aarch64\n')
  })

  test('all installs what has a static emulator and is not supported yet; another directory can be named', async () => {
    const { all, provided, lines } = await inNamespace<{
      all: { supported: string[] }
      provided: { emulators: string[] }
      lines: string[]
    }>(`
      const all = await manage(['all'])
      await manage([], ['qemu-*'])
      lines.length = 0
      const provideBinary = async arch => arch === 'riscv64' ? '/usr/bin/qemu-riscv64-static' : undefined
      const provided = await manage(['riscv64', 's390x'], [], { directory: '/nonexistent', provideBinary })
      console.log(JSON.stringify({ all, provided, lines }))`)
    for (const platform of ['linux/arm64', 'linux/riscv64', 'linux/ppc64le', 'linux/s390x', 'linux/arm/v7']) {
      assert.ok(all.supported.includes(platform), platform)
    }
    assert.deepEqual(provided.emulators, ['qemu-riscv64'])
    assert.equal(lines[1], 'installing: s390x no static qemu-s390x found (apt-get install qemu-user-static)')
  })
})

const asNobody = ['--bounding-set', '-all', '--inh-caps', '-all', '--reuid', '65534', '--clear-groups']

/** Why an ordinary user cannot run these sources; false if one can. */
function kept(): string | false {
  if (process.getuid?.() !== 0) return 'needs root'
  const probe = [
    'require("fs").readFileSync(process.argv[1])',
    new URL('./manage.ts', import.meta.url).pathname,
  ]
  const { status } = spawnSync('setpriv', [...asNobody, process.execPath, '-e', ...probe])
  return status === 0 ? false : 'the clone or Node lies where ordinary users may not look'
}

test('an ordinary user cannot install', { skip: kept() }, () => {
  // Without capabilities even root may not write there; the mount is not touched.
  const url = JSON.stringify(new URL('./manage.ts', import.meta.url).href)
  const platforms = JSON.stringify(new URL('./platforms.ts', import.meta.url).href)
  const program = `
    const { manageHandlers } = await import(${url})
    const { createFactsReader } = await import(${platforms})
    const native = { os: 'linux', architecture: 'amd64' }
    const mount = '/proc/sys/fs/binfmt_misc'
    try {
      await manageHandlers({ install: ['arm64'], uninstall: [], mount, native, search: { directory: '/usr/bin' },
        preserveArgv0: true, facts: createFactsReader(native, mount), log: () => {} })
    } catch (error) { console.log(error.code) }`
  const said = execFileSync('setpriv', [...asNobody, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  assert.equal(said.toString(), 'permission-denied\n')
})

test('tiny programs run on the machine that they are for', {
  skip: process.arch !== 'x64' && 'needs amd64',
}, () => {
  assert.equal(probe('amd64'), /\blahf_lm\b/.test(readFileSync('/proc/cpuinfo', 'utf8')) ? 66 : 65)
  assert.equal(probe('s390x'), undefined)
})
