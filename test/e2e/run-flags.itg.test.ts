import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { openPlace } from '../support/place.ts'
import { startRegistry } from '../support/registry.ts'
import type { Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// What flags of a build mean for its steps: looked at from inside of them.

const skip = lacks({ root: true, programs: ['runc', 'busybox'] })

describe('flags of a build', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  before(async () => {
    const place = stack.use(await openPlace({ busybox: true }))
    ;({ scratch, slipway } = place)
  })
  after(() => stack.disposeAsync())

  async function flags(steps: string, ...words: readonly string[]): Promise<string[]> {
    await writeFile(scratch.path('context', 'Dockerfile'), `FROM scratch\nCOPY busybox /bin/sh\n${steps}\n`)
    return ['build', '--progress=plain', '-o', 'type=cacheonly', ...words, scratch.path('context')]
  }
  /** Lines that steps have written. */
  async function written(steps: string, ...words: readonly string[]): Promise<string[]> {
    const output = await slipway.run(...(await flags(steps, ...words)))
    return [...output.matchAll(/^#\d+ [0-9.]+ (.*)$/gm)].map(([, line = '']) => line)
  }

  it('hosts, limits and shared memory arrive', async () => {
    const look = 'RUN cat /etc/hosts; ulimit -n; ulimit -Hn; df -k /dev/shm | tail -n 1'
    const given = ['--add-host=web:192.0.2.7', '--add-host=six=[2001:db8::1]', '--ulimit=nofile=123:456']
    const lines = await written(look, ...given, '--shm-size=100m')
    assert.ok(lines.includes('192.0.2.7\tweb'), lines.join('\n'))
    assert.ok(lines.includes('2001:db8::1\tsix'), lines.join('\n'))
    assert.deepEqual(lines.slice(-3, -1), ['123', '456'])
    assert.match(lines.at(-1) ?? '', /^\S+\s+102400\s/)
  })

  it('limits of memory and processors have their effect', async () => {
    const look = `RUN cd /sys/fs/cgroup && if [ -e memory.max ]; then cat memory.max cpu.max; else
cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us; fi`.replace('\n', ' ')
    const lines = await written(look, '--resource=memory=64m', '--resource=cpu-quota=50000')
    assert.equal(lines[0], String(64 << 20))
    assert.match(lines[1] ?? '', /^50000\b/)
    const greedy = 'RUN x=$(head -c 200000000 /dev/zero | tr "\\0" x); echo $x | wc -c'
    const failed = await slipway.try(
      ...(await flags(greedy, '--resource=memory=32m', '--resource=memory-swap=32m')),
    )
    assertOneError(failed, /did not complete successfully: (?:exit code: (?:137|2)|.*memory)/)
  })

  it('a network can be taken away, and that of the host needs to be allowed', async () => {
    const alone = await written('RUN ls /sys/class/net; cat /proc/net/route | wc -l', '--network=none')
    assert.deepEqual(alone, ['lo', '1'])
    const host = await written('RUN ls /sys/class/net | wc -l', '--network=host', '--allow=network.host')
    assert.ok(Number(host[0]) >= 1)
    await using serve = await startServe({ dir: scratch.dir, name: 's' })
    await slipway.run('create', '--name=served', '--driver=remote', serve.address)
    const asked = await flags('RUN true', '--network=host', '--allow=network.host', '--builder=served')
    assertOneError(await slipway.try(...asked), /entitlement network\.host is not allowed/)
  })

  it('control groups are below the parent that is named', async () => {
    const lines = await written('RUN cat /proc/self/cgroup', '--cgroup-parent=/slipway-flags')
    assert.ok(
      lines.some(line => /:\/slipway-flags\/slipway\/\w+$/.test(line)),
      lines.join('\n'),
    )
  })

  it('stages are run again that are named, all of them without a cache', async () => {
    // Steps that two stages have in common are run again for both: these have none.
    const other = 'FROM scratch AS other\nCOPY --chmod=755 busybox /bin/sh\nRUN echo other\n'
    const steps = `RUN echo base\n${other}COPY --from=0 /bin/sh /x`
    await written(steps)
    assert.deepEqual(await written(steps), [])
    assert.deepEqual(await written(steps, '--no-cache-filter=other'), ['other'])
    assert.deepEqual((await written(steps, '--no-cache')).sort(), ['base', 'other'])
  })

  it('rules about sources refuse and replace', { skip: lacks({ registry: true }) }, async () => {
    await using registry = await startRegistry({ dir: scratch.path('registry') })
    const made = `${registry.host}/made:1`
    await slipway.run(...(await flags('', '-t', made, '-o', `type=registry,name=${made}`)))
    await writeFile(scratch.path('context', 'Dockerfile'), 'FROM nowhere.invalid/base:1\nRUN echo it runs\n')
    const identifier = 'docker-image://nowhere.invalid/base:1'
    const policy = async (rule: object): Promise<SlipwayCommand> => {
      await writeFile(scratch.path('policy.json'), JSON.stringify({ rules: [rule] }))
      const env = { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: scratch.path('policy.json') }
      return await openSlipway({ dir: scratch.dir, env })
    }
    const build = ['build', '--progress=plain', '-o', 'type=cacheonly', scratch.path('context')]
    const updates = { identifier: `docker-image://${made}` }
    const replacing = await policy({ action: 'CONVERT', selector: { identifier }, updates })
    assert.match(await replacing.run(...build), /it runs/)
    const refusing = await policy({
      action: 'DENY',
      selector: { identifier: 'docker-image://nowhere.invalid/*' },
    })
    assertOneError(await refusing.try(...build), /source denied by policy$/)
  })

  it('as many steps work at a time as the configuration says', async () => {
    await writeFile(scratch.path('one.toml'), '[worker.oci]\n  max-parallelism = 1\n')
    const one = await openSlipway({ dir: scratch.dir, env: { SLIPWAY_CONFIG: scratch.path('one.toml') } })
    const step = (name: string): string =>
      `FROM scratch AS ${name}\nCOPY busybox /bin/sh\nRUN echo ${name} begins; sleep 0.5; echo ${name} ends > /out; echo ${name} ends\n`
    const steps = `${step('a')}${step('b')}FROM scratch\nCOPY --from=a /out /a\nCOPY --from=b /out /b`
    await flags('')
    await writeFile(scratch.path('context', 'Dockerfile'), steps)
    const build = [
      'build',
      '--progress=rawjson',
      '--no-cache',
      '-o',
      'type=cacheonly',
      scratch.path('context'),
    ]
    const { stderr } = await one.try(...build)
    const logs = stderr.split('\n').flatMap(line => {
      if (!line.startsWith('{')) return []
      const { logs: found = [] } = JSON.parse(line) as { logs?: { data: string }[] }
      return found.map(log => Buffer.from(log.data, 'base64').toString())
    })
    const order = logs.join('').trim().split('\n')
    assert.equal(order.length, 4)
    assert.equal(order[0]?.split(' ')[0], order[1]?.split(' ')[0], order.join(', '))
  })
})
