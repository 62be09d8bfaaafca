import assert from 'node:assert/strict'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { peerPath } from '../../scripts/setup/peers.ts'
import { run } from '../../scripts/setup/run.ts'
import { startBackground } from '../support/background.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// Records of builds travel as files: from one machine to another, and from docker-buildx.

const skip = lacks({ root: true, programs: ['runc', 'busybox'] })

describe('records of builds', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let here: SlipwayCommand
  let there: SlipwayCommand
  before(async () => {
    scratch = stack.use(await makeScratch())
    const { HOME: _home, ...env } = process.env
    here = await openSlipway({ dir: scratch.path('here'), env: { ...env, HOME: scratch.dir } })
    there = await openSlipway({ dir: scratch.path('there'), env: { ...env, HOME: scratch.dir } })
    await mkdir(scratch.path('app'))
    await run(['cp', '/bin/busybox', scratch.path('app', 'busybox')])
    const dockerfile = 'FROM scratch\nCOPY busybox /bin/sh\nRUN echo some words of the step\n'
    await writeFile(scratch.path('app', 'Dockerfile'), dockerfile)
    await writeFile(scratch.path('app', 'broken.Dockerfile'), `${dockerfile}RUN echo it went wrong; exit 7\n`)
  })
  after(() => stack.disposeAsync())

  const refs = async (on: SlipwayCommand): Promise<string[]> =>
    (await on.run('history', 'ls', '--format', '{{.Ref}}')).trim().split('\n').sort()

  it('keep the lines of a mistake in the Dockerfile', async () => {
    await writeFile(scratch.path('app', 'odd.Dockerfile'), 'FROM scratch\nCOPPY a b\n')
    await here.try('build', '-f', scratch.path('app', 'odd.Dockerfile'), scratch.path('app'))
    const shown = await here.run('history', 'inspect')
    assert.match(shown, /odd\.Dockerfile:2\n-+\n.*FROM scratch\n +2 \| >>> COPPY a b\n/s)
    assert.match(shown, /\n-+\n\nEnable --debug to see stack traces for error\nPrint build logs: /)
    const words = 'dockerfile parse error on line 2: unknown instruction: COPPY (did you mean COPY?)\n'
    const { Error: error } = JSON.parse(await here.run('history', 'inspect', '--format', 'json')) as {
      Error: { Stack: string }
    }
    const stack = Buffer.from(error.Stack, 'base64').toString('utf8')
    assert.ok(stack.startsWith(words) && /\n\d+ \S+ slipway\n.+\n\t\S+:\d+\n/.test(stack), stack)
    assert.ok((await here.run('-D', 'history', 'inspect')).includes(`\n${words}`))
    await here.run('history', 'rm', '--all')
  })

  it('are exported on one machine and looked at on another, failures too', async () => {
    await here.run('build', '-t', 'app', '--attest', 'type=provenance,mode=max', scratch.path('app'))
    const failed = await here.try(
      'build',
      '-f',
      scratch.path('app', 'broken.Dockerfile'),
      scratch.path('app'),
    )
    assertOneError(failed, /exit code: 7/)
    const bundle = scratch.path('all.dockerbuild')
    await here.run('history', 'export', '--all', '-o', bundle)
    const said = await there.run('history', 'import', '-f', bundle)
    assert.equal(said.match(/^imported \S+: .*history inspect/gm)?.length, 2, said)
    assert.deepEqual(await refs(there), await refs(here))
    for (const ref of await refs(here)) {
      const inspect = ['history', 'inspect', ref, '--format', 'json']
      const [mine, theirs] = [JSON.parse(await here.run(...inspect)), JSON.parse(await there.run(...inspect))]
      for (const key of [
        'Status',
        'Context',
        'Dockerfile',
        'StartedAt',
        'CompletedAt',
        'NumTotalSteps',
        'Error',
      ])
        assert.deepEqual(theirs[key], mine[key], key)
      assert.equal(await there.run('history', 'logs', ref), await here.run('history', 'logs', ref))
      const provenance = ['history', 'inspect', 'attachment', ref, '--type', 'https://slsa.dev/provenance/v1']
      assert.equal((await there.try(...provenance)).stdout, (await here.try(...provenance)).stdout)
      assert.equal(
        (await there.try('history', 'trace', ref)).stdout,
        (await here.try('history', 'trace', ref)).stdout,
      )
    }
  })

  it('stay until they are removed, though newer builds come', async () => {
    const imported = await refs(there)
    await there.run('build', scratch.path('app'))
    const now = await refs(there)
    assert.ok(imported.every(ref => now.includes(ref)))
    await there.run('history', 'rm', imported[0] ?? '')
    assert.ok(!(await refs(there)).includes(imported[0] ?? ''))
  })

  it('of builds that run in another process are shown until they end', async () => {
    const dockerfile = scratch.path('app', 'slow.Dockerfile')
    await writeFile(dockerfile, 'FROM scratch\nCOPY busybox /bin/sh\nRUN sleep 1000\n')
    const states = async (): Promise<string> =>
      await here.run('history', 'ls', '--format', '{{.Status}} {{.Name}}')
    {
      const command: [string, ...string[]] = [...here.command, 'build', '--progress=plain', '-f', dockerfile]
      await using _build = await startBackground([...command, scratch.path('app')], {
        env: here.env,
        ready: output => output.includes('RUN sleep 1000'),
      })
      assert.match(await states(), /^Running app\/slow\.Dockerfile$/m)
    }
    assert.match(await states(), /^Error app\/slow\.Dockerfile$/m)
  })

  it('of damaged files are refused whole', async () => {
    const bundle = scratch.path('damaged.dockerbuild')
    await here.run('history', 'export', '--all', '-o', bundle)
    await truncate(bundle, (await readFile(bundle)).length - 2000)
    const before = await refs(there)
    assertOneError(await there.try('history', 'import', '-f', bundle), /the bundle is damaged/)
    assertOneError(await there.try('history', 'import', '-f', scratch.path('app', 'Dockerfile')), /tar/)
    assert.deepEqual(await refs(there), before)
  })

  it('come from docker-buildx', { skip: lacks({ peers: ['docker-buildx-new'] }) }, async () => {
    await using serve = await startServe({ dir: scratch.dir, name: 's' })
    const buildx = peerPath('docker-buildx-new') ?? ''
    const env = { ...process.env, DOCKER_CONFIG: scratch.path('buildx') }
    const command = async (...args: string[]): Promise<void> => {
      await run([buildx, ...args], { env })
    }
    await command('create', '--name=served', '--driver=remote', serve.address)
    await command('build', '--builder=served', scratch.path('app'))
    const bundle = scratch.path('buildx.dockerbuild')
    await command('history', 'export', '--builder=served', '-o', bundle)
    const said = await there.run('history', 'import', '-f', bundle)
    const ref = /^imported (\S+):/m.exec(said)?.[1] ?? ''
    assert.match(await there.run('history', 'logs', ref), /some words of the step/)
    assert.match(await there.run('history', 'inspect', ref), /^Name:\s+app$/m)
  })
})
