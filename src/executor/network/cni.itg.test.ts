import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cannotRun } from '../testing/executor-fixture.ts'

const plugins = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'].find(path =>
  existsSync(join(path, 'bridge')),
)
const skip = (await cannotRun()) || (plugins === undefined ? 'needs CNI plugins' : false)

describe('containers connected by CNI', { skip }, () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'slipway-cni-'))
    const config = {
      cniVersion: '1.0.0',
      name: 'test',
      plugins: [
        {
          type: 'bridge',
          bridge: 'slipwaytest0',
          isDefaultGateway: true,
          ipam: {
            type: 'host-local',
            dataDir: join(directory, 'leases'),
            ranges: [[{ subnet: '10.77.0.0/24' }]],
          },
        },
      ],
    }
    writeFileSync(join(directory, 'cni.conflist'), JSON.stringify(config))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  /** Runs a program whose host network is a namespace of its own. */
  function start(body: string) {
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const path = join(directory, `program${Math.random()}.mts`)
    writeFileSync(
      path,
      `import { createCniProvider } from ${at('./cni.ts')}
       import { ExecutorFixture } from ${at('../testing/executor-fixture.ts')}
       import { systemPath } from ${at('../runtime.ts')}
       const say = chunk => process.stdout.write(chunk)
       const create = async binaryDir => {
         const network = await createCniProvider({ configPath: ${JSON.stringify(join(directory, 'cni.conflist'))},
           binaryDir, stateDir: ${JSON.stringify(join(directory, 'state'))}, searchPath: systemPath })
         return await ExecutorFixture.create({ network })
       }
       const f = await create(${JSON.stringify(plugins)})
       ${body}`,
    )
    const child = spawn('unshare', ['--net', process.execPath, path], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const up = Promise.withResolvers<void>()
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        output += String(chunk)
        if (output.includes('up\n')) up.resolve()
      })
    }
    const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
    return { child, closed, up: up.promise, output: () => output }
  }

  function leases(): string[] {
    return readdirSync(join(directory, 'leases/test')).filter(name => name.startsWith('10.'))
  }

  test('have an address of their own, which is given back', async () => {
    const { closed, output } = start(`
      const script = 'ip -o -4 addr | cut -d" " -f2,7; ip route | head -1; ping -c 1 -W 2 10.77.0.1 >/dev/null && echo reached'
      console.log(f.executor.networkMode)
      await f.executor.run(f.container(script), { stdout: say, stderr: say })
      await f.executor.run(f.container('readlink /proc/self/ns/net', { network: 'host' }), { stdout: say, stderr: say })
      const { readlinkSync } = await import('node:fs')
      console.log(readlinkSync('/proc/self/ns/net'))
      await f[Symbol.asyncDispose]()`)
    await closed
    const lines = output().split('\n')
    assert.equal(lines[0], 'cni')
    assert.match(
      output(),
      /\nlo 127\.0\.0\.1\/8\neth0 10\.77\.0\.\d+\/24\ndefault via 10\.77\.0\.1 dev eth0 *\nreached\n/,
    )
    const namespaces = output().match(/net:\[\d+\]/g) ?? []
    assert.equal(namespaces.length, 2)
    assert.equal(namespaces[0], namespaces[1])
    assert.deepEqual(leases(), [])
    assert.deepEqual(readdirSync(join(directory, 'state')), [])
  })

  test('give addresses back later when their owner was killed', async () => {
    const first = start(`
      await f.executor.run(f.container('echo up; sleep 1000'), { stdout: say, stderr: say })`)
    await first.up
    assert.equal(leases().length, 1)
    first.child.kill('SIGKILL')
    await first.closed
    assert.equal(leases().length, 1)
    const second = start('await f[Symbol.asyncDispose]()')
    await second.closed
    assert.equal(second.output(), '')
    assert.deepEqual(leases(), [])
  })

  test('a plugin that is missing or fails is named', async () => {
    const { closed, output } = start(`
      const broken = await create('/nonexistent')
      try { await broken.run(broken.container('true')) } catch (error) { console.log(error.code, error.message) }
      await f[Symbol.asyncDispose]()
      await broken[Symbol.asyncDispose]()`)
    await closed
    assert.match(output(), /^failed-precondition .*\/nonexistent\/loopback/)
  })
})
