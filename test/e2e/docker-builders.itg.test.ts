import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { after, afterEach, before, describe, it } from 'node:test'
import { parse } from 'smol-toml'
import { findProgram } from '../../scripts/setup/programs.ts'
import { type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { makeBuilderImage } from '../support/builder-image.ts'
import type { Dockerd } from '../support/dockerd.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { openDockerPlace, type Place } from '../support/place.ts'
import { startRegistry } from '../support/registry.ts'
import type { Scratch } from '../support/scratch.ts'
import type { SlipwayCommand } from '../support/slipway.ts'

// Builders in a real dockerd: containers as the real docker-buildx makes them, and both image stores.

const needs = {
  root: true,
  peers: ['docker-buildx-new', 'dockerd', 'docker', 'docker-init'],
  programs: ['runc', 'busybox'],
} as const

/** An image whose daemon does nothing but say that it is there. */
async function loadIdleImage(scratch: Scratch, slipway: SlipwayCommand): Promise<void> {
  const dir = scratch.path('idle')
  await mkdir(dir)
  await copyFile(findProgram('busybox') ?? '/bin/busybox', scratch.path('idle', 'busybox'))
  const scripts = { buildkitd: 'exec /bin/busybox sleep 100000', buildctl: 'exit 0' }
  for (const [name, line] of Object.entries(scripts))
    await writeFile(scratch.path('idle', name), `#!/bin/busybox sh\n${line}\n`, { mode: 0o755 })
  await writeFile(
    scratch.path('idle', 'Dockerfile'),
    'FROM scratch\nCOPY busybox /bin/\nCOPY buildkitd buildctl /usr/bin/\nENV PATH=/usr/bin:/bin\nENTRYPOINT ["/usr/bin/buildkitd"]\n',
  )
  await slipway.run('build', '--builder=slipway', '--load', '-t', 'slipway/idle:test', dir)
}

describe('a builder in a container', { skip: lacks({ ...needs, time: true }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let dockerd: Dockerd
  let slipway: SlipwayCommand
  let context: string
  let buildx: Place['buildx']

  before(async () => {
    const place = stack.use(await openDockerPlace())
    ;({ scratch, dockerd, slipway, context, buildx } = place)
    await dockerd.docker('load', '-i', await makeBuilderImage(scratch.path('image')))
    await loadIdleImage(scratch, slipway)
  })
  after(() => stack.disposeAsync())
  // What one test leaves behind when it fails is no matter of the next.
  afterEach(async () => {
    const left = (await dockerd.docker('ps', '-aq')).split('\n').filter(Boolean)
    if (left.length > 0) await dockerd.docker('rm', '-f', '-v', ...left)
  })

  const create = (name: string, ...more: string[]): string[] => [
    ...['create', '--name', name, '--driver=docker-container', '--driver-opt=image=slipway/builder:test'],
    ...more,
  ]

  /** A container's settings without what differs between any two. */
  async function settingsOf(container: string): Promise<unknown> {
    const [found] = JSON.parse(await dockerd.docker('inspect', container)) as [
      {
        Config: Record<string, unknown>
        HostConfig: Record<string, unknown>
        Mounts: Record<string, unknown>[]
      },
    ]
    const { Hostname: _, ...config } = found.Config
    const mounts = found.Mounts.map(({ Type, Destination, RW }) => ({ Type, Destination, RW }))
    const text = JSON.stringify({ config, host: found.HostConfig, mounts })
    return JSON.parse(text.replaceAll(container, 'CONTAINER')) as unknown
  }

  it('is made with every option as the real docker-buildx makes it', async () => {
    const toml = scratch.path('buildkitd.toml')
    await writeFile(scratch.path('ca.pem'), 'CA')
    await writeFile(
      toml,
      `debug = true\n[registry."my.example:5000"]\n  mirrors = ["mirror.example"]\n  ca = ["${scratch.path('ca.pem')}"]\n`,
    )
    const cases: Readonly<Record<string, readonly string[]>> = {
      plain: [],
      limits: [
        '--driver-opt=memory=512m,memory-swap=1g,cpu-quota=50000,cpu-period=100000',
        '--driver-opt=cpu-shares=512,cpuset-cpus=0,cpuset-mems=0',
      ],
      network: ['--driver-opt=network=host'],
      restart: ['--driver-opt=restart-policy=on-failure:3,env.A=b,env.LONG=with spaces'],
      parent: ['--driver-opt=cgroup-parent=/slipway-test,restart-policy=no'],
      config: [`--buildkitd-config=${toml}`, '--buildkitd-flags=--debug'],
    }
    for (const [name, options] of Object.entries(cases)) {
      const idle = '--driver-opt=image=slipway/idle:test'
      const mine = await slipway.try(...create(`my-${name}`, '--bootstrap', idle, ...options))
      assert.equal(mine.code, 0, mine.stderr)
      const real = await buildx(...create(`re-${name}`, '--bootstrap', idle, ...options))
      assert.equal(real.code, 0, real.stderr)
      const [ours, theirs] = [`buildx_buildkit_my-${name}0`, `buildx_buildkit_re-${name}0`]
      assert.deepEqual(await settingsOf(ours), await settingsOf(theirs), name)
      if (name === 'config') {
        // The same configuration; versions of the real tool differ in how they write it.
        const read = async (container: string, file: string): Promise<string> => {
          const copy = scratch.path(`copy-${container}`)
          await dockerd.docker('cp', `${container}:/etc/buildkit/${file}`, copy)
          return await readFile(copy, 'utf8')
        }
        assert.deepEqual(
          parse(await read(ours, 'buildkitd.toml')),
          parse(await read(theirs, 'buildkitd.toml')),
        )
        for (const container of [ours, theirs])
          assert.equal(await read(container, 'certs/my.example_5000/ca.pem'), 'CA')
      }
      await slipway.run('rm', '-f', `my-${name}`, `re-${name}`)
    }
    assert.equal(await dockerd.docker('ps', '-aq'), '')
    assert.equal(await dockerd.docker('volume', 'ls', '-q'), '')
  })

  it('is made once by two processes that need it at the same time', async () => {
    await slipway.run(...create('shared'))
    const results = await Promise.all([
      slipway.try('inspect', '--bootstrap', 'shared'),
      slipway.try('inspect', '--bootstrap', 'shared'),
      // The real tool makes it too, but does not wait for a daemon that another process has just started.
      buildx('inspect', '--bootstrap', 'shared'),
    ])
    for (const { code, stderr } of results) assert.equal(code, 0, stderr)
    for (const { stdout } of results.slice(0, 2)) assert.match(stdout, /Status: +running/)
    assert.equal((await dockerd.docker('ps', '-aq')).trim().split('\n').length, 1)
    await slipway.run('rm', 'shared')
  })

  it('shows the log of a daemon that dies at once', async () => {
    const failed = await slipway.try(
      ...create(
        'dies',
        '--bootstrap',
        '--buildkitd-flags=--addr nonsense://x',
        '--driver-opt=restart-policy=no',
      ),
    )
    assertOneError(failed, /container|exit code/)
    assert.match(failed.stderr, /nonsense/, 'what the daemon said')
    assert.match(failed.stderr, /^hint: .*docker logs buildx_buildkit_dies0/m)
    assert.match((await slipway.try('ls')).stdout, /dies0 .*stopped/)
    await slipway.run('rm', 'dies')
    assert.equal(await dockerd.docker('ps', '-aq'), '')
  })

  it('loads results by itself where asked, tells of the job that made it, and stays when it is to', async () => {
    await writeFile(scratch.path('event.json'), '{"action":"opened"}')
    const env = {
      ...slipway.env,
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: scratch.path('event.json'),
    }
    const made = await tryRun(
      [...slipway.command, ...create('kept', '--bootstrap', '--driver-opt=default-load=true')],
      { env, cwd: scratch.dir },
    )
    assert.equal(made.code, 0, made.stderr)
    const fact = await dockerd.docker(
      ...['cp', 'buildx_buildkit_kept0:/etc/buildkit/provenance.d/github_actions_context.json', '-'],
    )
    assert.match(fact, /"github_event_payload":\{"action":"opened"\}/)
    await slipway.run('build', '--builder=kept', '-t', 'loaded-by-default:1', context)
    assert.match(await dockerd.docker('images', 'loaded-by-default'), /loaded-by-default +1/)
    const silent = await tryRun(
      [...slipway.command, 'build', '--builder=kept', '-t', 'not-loaded:1', context],
      { env: { ...slipway.env, BUILDX_NO_DEFAULT_LOAD: '1' }, cwd: scratch.dir },
    )
    assert.equal(silent.code, 0, silent.stderr)
    assert.doesNotMatch(silent.stderr, /No output specified/)
    assert.doesNotMatch(await dockerd.docker('images', 'not-loaded'), /not-loaded/)
    await slipway.run('rm', '--keep-daemon', 'kept')
    assert.match(await dockerd.docker('ps', '--format', '{{.Names}}'), /^buildx_buildkit_kept0$/m)
    await slipway.run(...create('kept'))
    assert.match(await slipway.run('inspect', 'kept'), /Status: +running/)
    await dockerd.docker('restart', 'buildx_buildkit_kept0')
    await slipway.run('build', '--builder=kept', '-o', `type=local,dest=${scratch.path('again')}`, context)
    assert.equal(await readFile(scratch.path('again', 'x'), 'utf8'), 'x')
    await dockerd.docker('kill', 'buildx_buildkit_kept0')
    await slipway.run('build', '--builder=kept', '-o', `type=local,dest=${scratch.path('third')}`, context)
    await slipway.run('rm', 'kept')
    assert.equal(await dockerd.docker('ps', '-aq'), '')
  })

  it('serves du, prune and dial-stdio as the real tool does', async () => {
    await slipway.run(...create('used', '--bootstrap'))
    await slipway.run('build', '--builder=used', '-o', `type=local,dest=${scratch.path('used')}`, context)
    const steady = (text: string): string =>
      text.replaceAll(/\d+ seconds? ago|Less than a second ago/g, 'AGO')
    for (const args of [
      ['du'],
      ['du', '--format=json'],
      ['du', '--verbose'],
      ['du', '--filter=type=regular'],
    ]) {
      const [mine, real] = [
        await slipway.try(...args, '--builder=used'),
        await buildx(...args, '--builder=used'),
      ]
      assert.equal(steady(mine.stdout), steady(real.stdout), args.join(' '))
    }
    const limited = await slipway.try('prune', '-f', '--builder=used', '--max-used-space=1gb')
    assert.equal(limited.code, 0, limited.stderr)
    assert.match(await slipway.run('prune', '-af', '--builder=used'), /Total:\t/)
    assert.match((await buildx('du', '--builder=used')).stdout, /Total:\t+0B/)
    await reachBy('docker-container://buildx_buildkit_used0', 'by-name')
    // In place of a machine far away: what would run there runs in the container, told by the arguments after `--`.
    await mkdir(scratch.path('bin'), { recursive: true })
    const ssh = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec docker exec -i buildx_buildkit_used0 "$@"\n`
    await writeFile(scratch.path('bin', 'ssh'), ssh, { mode: 0o755 })
    await reachBy('ssh://me@far.example', 'by-ssh')
    await slipway.run('rm', 'used')
  })

  /** Builds with a remote node whose address needs a program. */
  async function reachBy(address: string, name: string): Promise<void> {
    const env = { ...slipway.env, PATH: `${scratch.path('bin')}:${dockerd.env['PATH']}` }
    const attempt = (...args: string[]): Promise<RunResult> =>
      tryRun([...slipway.command, ...args], { env, cwd: scratch.dir })
    const made = await attempt('create', '--name', name, '--driver=remote', address)
    assert.equal(made.code, 0, made.stderr)
    const built = await attempt(
      'build',
      '--builder',
      name,
      '-o',
      `type=local,dest=${scratch.path(name)}`,
      context,
    )
    assert.equal(built.code, 0, built.stderr)
    assert.equal(await readFile(scratch.path(name, 'x'), 'utf8'), 'x')
    assert.equal((await attempt('rm', name)).code, 0)
  }

  it('belongs to the context that it was made in', async () => {
    const config = ['--config', scratch.path('docker')]
    await dockerd.docker(...config, 'context', 'create', 'place', '--docker', `host=${dockerd.host}`)
    const { DOCKER_HOST: _, ...env } = slipway.env
    const attempt = (...args: string[]): Promise<RunResult> =>
      tryRun([...slipway.command, ...args], { env, cwd: scratch.dir })
    const made = await attempt(...create('placed', '--bootstrap'), 'place')
    assert.equal(made.code, 0, made.stderr)
    assert.match(
      (await attempt('inspect', 'placed')).stdout,
      /Endpoint: +place\nDriver Options.*\nStatus: +running/,
    )
    const built = await attempt(
      'build',
      '--builder=placed',
      '-o',
      `type=local,dest=${scratch.path('p')}`,
      context,
    )
    assert.equal(built.code, 0, built.stderr)
    assert.equal((await attempt('rm', 'placed')).code, 0)
    assert.equal(await dockerd.docker('ps', '-aq'), '')
  })
})

for (const containerdStore of [false, true]) {
  const store = containerdStore ? "containerd's store" : 'the classic store'
  describe(`docker's own builder with ${store}`, { skip: lacks({ ...needs, registry: true }) }, () => {
    const stack = new AsyncDisposableStack()
    let scratch: Scratch
    let dockerd: Dockerd
    let slipway: SlipwayCommand
    let context: string
    let buildx: Place['buildx']

    before(async () => {
      const place = stack.use(await openDockerPlace({ containerdStore }))
      ;({ scratch, dockerd, slipway, context, buildx } = place)
    })
    after(() => stack.disposeAsync())

    it('pushes images, and names them by the digest that the registry knows', async () => {
      await using registry = await startRegistry({ dir: scratch.path('r') })
      const name = `${registry.host}/pushed`
      const file = (who: string): string => scratch.path(`${who}.json`)
      const args = (who: string): string[] => [
        ...['build', '--push', '-t', `${name}:${who}`, '--metadata-file', file(who), context],
      ]
      const [mine, real] = [await slipway.try(...args('mine')), await buildx(...args('real'))]
      assert.equal(mine.code, 0, mine.stderr)
      assert.equal(real.code, 0, real.stderr)
      assert.equal(/pushing \S+ with docker/.test(mine.stderr), !containerdStore)
      const metadata = async (who: string): Promise<Record<string, unknown>> =>
        JSON.parse(await readFile(file(who), 'utf8')) as Record<string, unknown>
      for (const key of ['containerimage.digest', 'containerimage.config.digest']) {
        const [own, theirs] = [(await metadata('mine'))[key], (await metadata('real'))[key]]
        assert.equal(typeof own, typeof theirs, key)
      }
      const pulled = await dockerd.docker(
        'pull',
        `${name}@${String((await metadata('mine'))['containerimage.digest'])}`,
      )
      assert.match(pulled, /Digest: sha256:/)
    })

    it('answers with the same features, and the same refusals', async () => {
      const features = (text: string): string => /Features:\n(?:[ \t].*\n)+/.exec(text)?.[0] ?? ''
      const [mine, real] = [await slipway.try('-D', 'inspect'), await buildx('-D', 'inspect')]
      const own = features(mine.stdout).replace(/^ Prefer image digest.*\n/m, '')
      assert.equal(own.replaceAll(/ +/g, ' '), features(real.stdout).replaceAll(/ +/g, ' '))
      const errors = ({ stderr }: RunResult): string => stderr.match(/^ERROR: .*$/m)?.[0] ?? ''
      for (const args of [
        ['build', '--platform=linux/amd64,linux/arm64', '-t', 'multi:1', context],
        ['build', '-o', `type=oci,dest=${scratch.path('o.tar')}`, context],
        ['build', '-o', `type=docker,dest=${scratch.path('d.tar')}`, context],
        ['build', '--cache-to', `type=local,dest=${scratch.path('cache')}`, context],
        ['build', '--sbom=true', '-t', 'sbom:1', context],
        ['build', '-o', 'type=image,name=x,push=true,push-by-digest=true', context],
        ['prune', '-f', '--max-used-space=1gb'],
        ['build', '--attest=type=provenance,mode=max', '-t', 'p:1', context],
      ]) {
        const [one, other] = [await slipway.try(...args), await buildx(...args)]
        assert.equal(one.code, other.code, `${args.join(' ')}\n${one.stderr}\n${other.stderr}`)
        if (other.code !== 0) assert.equal(errors(one), errors(other))
      }
    })

    it('says nothing different of a quiet build, an id file, and a build for nobody', async () => {
      for (const [who, run] of [
        ['mine', (...args: string[]) => slipway.try(...args)],
        ['real', buildx],
      ] as const) {
        const { code, stdout, stderr } = await run(
          ...['build', '-q', '-t', `quiet-${who}:1`, '--iidfile', scratch.path(`${who}.iid`), context],
        )
        assert.equal(code, 0, stderr)
        assert.equal(stdout.trim(), await readFile(scratch.path(`${who}.iid`), 'utf8'))
        const id = (await dockerd.docker('images', '--no-trunc', '-q', `quiet-${who}`)).trim()
        assert.equal(stdout.trim(), id, who)
      }
    })
  })
}
