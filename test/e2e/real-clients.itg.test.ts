import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { type PeerName, peerPath } from '../../scripts/setup/peers.ts'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run, type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { type Registry, startRegistry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { type Serve, startServe } from '../support/serve.ts'
import { pushedPlatforms } from '../support/third-party.ts'

// Real docker-buildx, of two ages, in front of `slipway serve`.

const dockerfile = `FROM scratch AS base
COPY busybox /bin/busybox
FROM base AS app
ARG WORD=plain
ENV PATH=/bin
RUN ["/bin/busybox","sh","-c","busybox echo said $WORD; busybox echo $WORD > /word"]
LABEL word=$WORD
FROM base AS secret
RUN --mount=type=secret,id=s ["/bin/busybox","cp","/run/secrets/s","/s"]
RUN --mount=type=ssh ["/bin/busybox","sh","-c","/bin/busybox test -S $SSH_AUTH_SOCK"]
FROM scratch AS foreign
ARG TARGETARCH
COPY word.txt /$TARGETARCH
FROM base AS broken
RUN ["/bin/busybox","sh","-c","/bin/busybox echo about to fail; exit 3"]
FROM base AS slow
ARG SLEEP
RUN ["/bin/busybox","sh","-c","/bin/busybox sleep $SLEEP || echo was woken"]
FROM app
`

for (const [version, peer] of [
  ['0.13', 'docker-buildx'],
  ['0.29', 'docker-buildx-new'],
] as const satisfies readonly (readonly [string, PeerName])[]) {
  const isNew = version !== '0.13'
  const needs = { root: true, peers: [peer], programs: ['runc', 'busybox', 'git', 'ssh-agent', 'skopeo'] }
  describe(`docker buildx ${version} in front of slipway serve`, {
    skip: lacks({ ...needs, registry: true }),
  }, () => {
    const stack = new AsyncDisposableStack()
    let scratch: Scratch
    let serve: Serve
    let registry: Registry
    let env: NodeJS.ProcessEnv

    /** What came after 0.13. */
    const ifNew: (name: string, test: () => Promise<void>) => void = (name, test) => {
      if (isNew) it(name, test)
    }
    const words = (args: readonly string[]): [string, ...string[]] => [peerPath(peer) ?? '', ...args]
    const attempt = (...args: string[]): Promise<RunResult> =>
      tryRun(words(args), { env, cwd: scratch.path('context') })
    const buildx = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await attempt(...args)
      assert.equal(code, 0, `${args.join(' ')}\n${stderr}`)
      return stdout + stderr
    }
    const build = (...args: string[]): Promise<string> => buildx('build', '--progress=plain', ...args, '.')

    before(async () => {
      scratch = stack.use(await makeScratch())
      registry = stack.use(await startRegistry({ dir: scratch.path('registry') }))
      serve = stack.use(await startServe({ dir: scratch.dir, name: 's' }))
      env = {
        ...process.env,
        BUILDX_CONFIG: scratch.path('buildx'),
        DOCKER_CONFIG: scratch.path('docker'),
        DOCKER_HOST: `unix://${scratch.path('no-docker.sock')}`,
      }
      await mkdir(scratch.path('context'))
      await run(['cp', findProgram('busybox') ?? '', scratch.path('context', 'busybox')])
      await writeFile(scratch.path('context', 'Dockerfile'), dockerfile)
      await writeFile(scratch.path('context', 'word.txt'), 'word\n')
      await buildx('create', '--use', '--name=s', '--driver=remote', serve.address)
    })
    after(() => stack.disposeAsync())

    it('lists and inspects it', async () => {
      assert.match(
        await buildx('ls'),
        /^s\* +remote[\s\S]*\\_ s0 +\\_ unix:\S+ +running +v0\.32\.2 +linux\/amd64|linux\/arm64/m,
      )
      const inspected = await buildx('inspect', '--bootstrap')
      assert.match(inspected, /^Status: +running$/m)
      assert.match(inspected, /^GC Policy rule#3:\n All: +true$/m)
    })

    it('builds into every form', async () => {
      const out = (name: string): string => scratch.path(`out-${name}`)
      assert.match(
        await build('--build-arg', 'WORD=here', '-o', `type=local,dest=${out('local')}`),
        /said here/,
      )
      assert.equal(await readFile(`${out('local')}/word`, 'utf8'), 'here\n')
      await build('-o', `type=tar,dest=${out('tar')}`)
      assert.match(await run(['tar', 'tf', out('tar')]), /^word$/m)
      await build('-o', `type=oci,dest=${out('oci')}`, '-t', 'x:1')
      assert.match(await run(['tar', 'xOf', out('oci'), 'index.json']), /docker\.io\/library\/x:1/)
      const metadata = scratch.path('metadata.json')
      const more = ['-t', 'x:2', '--metadata-file', metadata]
      await build('-o', `type=docker,dest=${out('docker')}`, ...more)
      assert.match(
        await run(['tar', 'xOf', out('docker'), 'manifest.json']),
        /"RepoTags":\["(docker\.io\/library\/)?x:2"\]/,
      )
      const facts = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, unknown>
      assert.match(String(facts['containerimage.digest']), /^sha256:/)
      assert.match(String(facts['buildx.build.ref']), /^s\/s0\/[a-z0-9]{25}$/)
      await build('-o', 'type=image,name=x:3,push=false')
      await build('-o', 'type=cacheonly')
      const { code, stdout } = await attempt('build', '-q', '.')
      assert.equal(code, 0)
      assert.match(stdout, /^(sha256:[0-9a-f]{64})?\n?$/)
    })

    it('pushes several platforms, with attestations, and reads them back', async () => {
      const name = `${registry.host}/app`
      const both = ['--platform=linux/amd64,linux/arm64', '--target=foreign', '--push']
      await build(...both, '-t', `${name}:1`, '--attest=type=provenance,mode=max')
      assert.deepEqual(await pushedPlatforms(`${name}:1`), ['linux/amd64', 'linux/arm64'])
      assert.match(
        await buildx('imagetools', 'inspect', `${name}:1`),
        /vnd\.docker\.reference\.type: +attestation-manifest/,
      )
      await buildx('imagetools', 'create', '-t', `${name}:2`, `${name}:1`)
      assert.deepEqual(await pushedPlatforms(`${name}:2`), ['linux/amd64', 'linux/arm64'])
    })

    it('hands over secrets, agents, git repositories and caches', async () => {
      const socket = scratch.path('agent.sock')
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
      try {
        for (let i = 0; i < 100 && (await tryRun(['test', '-S', socket])).code !== 0; i++) await sleep(50)
        const flags = ['--secret', 'id=s,src=word.txt', '--ssh', `default=${socket}`, '--target=secret']
        await build(...flags, '-o', `type=local,dest=${scratch.path('out-secret')}`)
        assert.equal(await readFile(scratch.path('out-secret', 's'), 'utf8'), 'word\n')
      } finally {
        agent.kill()
      }
      const repo = scratch.path('repo')
      await run(['cp', '-r', scratch.path('context'), repo])
      const git = ['git', '-C', repo, '-c', 'user.name=me', '-c', 'user.email=me@example.org'] as const
      for (const words of [
        ['init', '-q', '-b', 'main'],
        ['add', '.'],
        ['commit', '-qm', 'x'],
      ])
        await run([...git, ...words])
      const cache = scratch.path('cache')
      await buildx('build', '--cache-to', `type=local,dest=${cache},mode=max`, '--build-arg=WORD=git', repo)
      assert.ok((await readdir(cache)).includes('index.json'))
      assert.match(
        await build('--cache-from', `type=local,src=${cache}`, '--build-arg=WORD=git'),
        /^#\d+ CACHED$/m,
      )
    })

    it('bakes', async () => {
      const targets = ['app', 'foreign'].map(
        name =>
          `target "${name}" {\n target = "${name}"\n output = ["type=local,dest=${scratch.path('baked', name)}"]\n}\n`,
      )
      await writeFile(
        scratch.path('bake.hcl'),
        `group "default" { targets = ["app", "foreign"] }\n${targets.join('')}`,
      )
      const flags = isNew ? ['--allow', `fs.write=${scratch.dir}`] : []
      await buildx('bake', '--progress=plain', '-f', scratch.path('bake.hcl'), ...flags)
      assert.equal(await readFile(scratch.path('baked', 'app', 'word'), 'utf8'), 'plain\n')
      assert.equal((await readdir(scratch.path('baked', 'foreign'))).length, 1)
    })

    it('shows what fails with its lines and output', async () => {
      const { code, stderr } = await attempt('build', '--progress=plain', '--target=broken', '.')
      assert.equal(code, 1)
      assert.match(stderr, /about to fail/)
      assert.match(stderr, /^ +\d+ \| >>> RUN .*exit 3/m)
      assert.match(stderr, /^ERROR: .*did not complete successfully: exit code: 3$/m)
    })

    ifNew('answers questions about a Dockerfile', async () => {
      assert.match(await build('--call=outline', '--target=app'), /^WORD +plain *$/m)
      assert.match(await build('--call=targets'), /^app/m)
      const { code, stdout } = await attempt('build', '--check', '-f', '-', '.')
      assert.ok(code === 1 || /no warnings/i.test(stdout))
    })

    ifNew('shows and keeps its history', async () => {
      await build('--provenance=mode=max', '-o', 'type=image,name=x:4')
      assert.match(await buildx('history', 'ls', '--no-trunc'), /Completed/)
      assert.match(await buildx('history', 'ls', '--filter', 'status=error'), /Error/)
      assert.match(
        await buildx('history', 'logs', '--progress=plain'),
        /load build definition from Dockerfile/,
      )
      assert.match(await buildx('history', 'inspect'), /^Build Steps:\s+\d+\/\d+/m)
      assert.match(
        await buildx('history', 'inspect', 'attachment', '--type', 'provenance'),
        /buildType|buildDefinition/,
      )
      assert.match(
        (await attempt('history', 'rm', 'a'.repeat(25))).stderr,
        /ERROR: .*lease "ref_a+": not found/,
      )
      await buildx('history', 'rm', '--all')
      assert.doesNotMatch(await buildx('history', 'ls'), /Completed/)
    })

    it('shows disk usage and prunes what it is told to', async () => {
      assert.match(await buildx('du', '--verbose'), /^Description:\s+.*COPY busybox \/bin\/busybox$/m)
      assert.match(await buildx('du', '--filter', 'type=source.local'), /^Reclaimable:|^[a-z0-9]{25}\*/m)
      const total = async (): Promise<string> => /^Total:\s+(\S+)$/m.exec(await buildx('du'))?.[1] ?? ''
      const before = await total()
      assert.match(await buildx('prune', '-f', '--filter=until=24h'), /^Total:\s+0B$/m)
      assert.equal(await total(), before)
      await buildx('prune', '-f', '--filter=type=source.local')
      assert.doesNotMatch(await buildx('du', '--verbose'), /^Type:\s+source\.local$/m)
      await buildx('prune', '-af')
      assert.equal(await total(), '0B')
    })

    it('that goes away cancels its build and no other', async () => {
      // Other runs of this test may be under way on the machine.
      const [gone, kept] = [3333, 4444].map(seconds => `${seconds}.${process.pid}`) as [string, string]
      const slow = (seconds: string): ReturnType<typeof spawn> =>
        spawn(
          words([])[0],
          ['build', '--progress=plain', '--target=slow', `--build-arg=SLEEP=${seconds}`, '.'],
          { env, cwd: scratch.path('context'), stdio: 'ignore' },
        )
      const pattern = (seconds: string): string => `^/bin/busybox sleep ${seconds.replace('.', '\\.')}$`
      const runs = async (seconds: string): Promise<boolean> =>
        (await tryRun(['pgrep', '-f', pattern(seconds)])).code === 0
      const until = async (what: () => Promise<boolean>): Promise<void> => {
        for (let i = 0; i < 400 && !(await what()); i++) await sleep(100)
        assert.ok(await what())
      }
      const [leaving, staying] = [slow(gone), slow(kept)]
      const ended = new Promise<number | null>(resolve => staying.once('exit', resolve))
      await until(() => runs(gone))
      await until(() => runs(kept))
      leaving.kill('SIGKILL')
      await until(async () => !(await runs(gone)))
      assert.ok(await runs(kept), 'the other build goes on')
      await run(['pkill', '-f', pattern(kept)])
      assert.equal(await ended, 0)
    })

    ifNew('is a pipe to it', async () => {
      const greeting = `printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'`
      const command = `${greeting} | timeout 3 ${words([])[0]} dial-stdio | head -c 9 | od -An -tx1`
      assert.match((await tryRun(['sh', '-c', command], { env })).stdout, /^ 00 00 \S\S 04 00 00 00 00 00/)
    })
  })
}
