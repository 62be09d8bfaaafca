import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { after, before, describe, it } from 'node:test'
import { run, type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { makeBuilderImage } from '../support/builder-image.ts'
import { makeCertificates } from '../support/certificates.ts'
import type { Dockerd } from '../support/dockerd.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { openDockerPlace, openPlace, type Place } from '../support/place.ts'
import type { Scratch } from '../support/scratch.ts'
import { type Serve, startServe } from '../support/serve.ts'
import type { SlipwayCommand } from '../support/slipway.ts'

// Builders side by side with the real docker-buildx, on the same instance files.

/** Moments differ between two calls, and drivers' options have no order there. */
const timeless = (text: string): string => text.replaceAll(/^(Last Activity|Driver Options):.*\n/gm, '')

describe('builders on disk', { skip: lacks({ root: true, peers: ['docker-buildx-new'] }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let serve: Serve
  let context: string
  let buildx: Place['buildx']

  before(async () => {
    const place = stack.use(await openPlace({ env: { BUILDX_BUILDER: '' } }))
    ;({ scratch, slipway, context, buildx } = place)
    serve = stack.use(await startServe({ dir: scratch.dir, name: 's' }))
  })
  after(() => stack.disposeAsync())

  it('made by buildx are used by Slipway, and the other way round', async () => {
    const made = await buildx(
      'create',
      '--use',
      '--name=theirs',
      '--driver=remote',
      '--platform=linux/amd64,linux/arm64',
      serve.address,
    )
    assert.equal(made.code, 0, made.stderr)
    await slipway.run(
      'create',
      '--name=ours',
      '--driver=remote',
      '--platform=linux/amd64,linux/arm64',
      `${serve.address.replace('s.sock', './s.sock')}`,
    )
    const file = (name: string): Promise<string> =>
      readFile(scratch.path('docker/buildx/instances', name), 'utf8')
    assert.equal(
      (await file('ours')).replaceAll('ours', 'theirs').replace('./s.sock', 's.sock'),
      await file('theirs'),
    )
    for (const name of ['ours', 'theirs']) {
      const [mine, real] = [await slipway.try('inspect', name), await buildx('inspect', name)]
      assert.equal(timeless(mine.stdout), timeless(real.stdout))
    }
    await slipway.run('build', '-o', `type=local,dest=${scratch.path('one')}`, context)
    const built = await buildx(
      'build',
      '--builder=ours',
      '-o',
      `type=local,dest=${scratch.path('two')}`,
      context,
    )
    assert.equal(built.code, 0, built.stderr)
    assert.equal(await readFile(scratch.path('one/x'), 'utf8'), await readFile(scratch.path('two/x'), 'utf8'))
    assert.match((await buildx('ls')).stdout, /^theirs\*/m)
    assert.match((await slipway.try('ls')).stdout, /^theirs\*/m)
    await slipway.run('use', 'ours')
    assert.match((await buildx('ls')).stdout, /^ours\*/m)
    assert.equal((await buildx('rm', 'ours')).code, 0)
    assert.match((await slipway.try('rm', 'theirs')).stderr, /^theirs removed$/m)
    assert.doesNotMatch((await slipway.try('ls')).stdout, /ours|theirs/)
  })

  it('know afterwards what was built, as with buildx', async () => {
    await slipway.run('create', '--name=noted', '--driver=remote', serve.address)
    const target = (name: string): string =>
      `target "${name}" {\n  context = "${context}"\n  output = ["type=cacheonly"]\n  dockerfile-inline = "FROM scratch\\nCOPY x /${name}"\n}\n`
    const file = scratch.path('noted.hcl')
    await writeFile(file, `group "default" {\n  targets = ["a", "b"]\n}\n${target('a')}${target('b')}`)
    const notes = async (run: (...args: string[]) => Promise<RunResult>): Promise<string[]> => {
      await tryRun(['rm', '-rf', scratch.path('docker/buildx/refs')])
      for (const args of [
        ['bake', '-f', file, '--allow', `fs.read=${scratch.dir}`],
        ['build', context],
        ['build', '-f', `${context}/Dockerfile`, context],
        ['build', '--call=targets', context],
      ]) {
        const { code, stderr } = await run(...args, '--builder=noted')
        assert.equal(code, 0, stderr)
      }
      const found = await tryRun(['sh', '-c', `cd ${scratch.path('docker/buildx/refs')}; grep -r .`])
      const lines = found.stdout
        .replaceAll(/\b[a-z0-9]{25}\b/g, 'REF')
        .trim()
        .split('\n')
      return lines.sort()
    }
    const real = await notes((...args) => buildx(...args))
    assert.deepEqual(await notes((...args) => slipway.try(...args)), real)
    await slipway.run('rm', 'noted')
  })

  it('stay whole when two processes change them at once', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `at-once${i}`)
    const results = await Promise.all(
      names.map((name, i) =>
        i % 2 === 0
          ? slipway.try('create', '--use', '--name', name, '--driver=remote', serve.address)
          : buildx('create', '--use', '--name', name, '--driver=remote', serve.address),
      ),
    )
    for (const result of results) assert.equal(result.code, 0, result.stderr)
    const { stdout } = await slipway.try('ls')
    for (const name of names) assert.match(stdout, new RegExp(`^${name}\\*? `, 'm'))
    await slipway.try('rm', ...names)
  })

  it('that are broken keep nobody from the others', async () => {
    await slipway.run('create', '--name=good', '--driver=remote', serve.address)
    await writeFile(scratch.path('docker/buildx/instances/broken'), '{"Name":"bro')
    const { stdout, stderr } = await slipway.try('ls')
    assert.match(stdout, /^good /m)
    assert.match(stdout, /^broken +error/m)
    assert.match(stderr, /Cannot load builder broken: invalid builder instance: .*instances\/broken/)
    assertOneError(await slipway.try('inspect', 'broken'), /invalid builder instance/)
    await run(['rm', scratch.path('docker/buildx/instances/broken')])
  })

  it('tell what is wrong with a daemon that is absent, hangs or speaks something else', async () => {
    const garbage = await listen(scratch.path('garbage.sock'), socket => socket.end('SSH-2.0-OpenSSH_9\r\n'))
    const silent = await listen(scratch.path('silent.sock'), () => {})
    stack.defer(() => void garbage.close())
    stack.defer(() => void silent.close())
    for (const [name, address] of [
      ['absent', scratch.path('nothing.sock')],
      ['garbage', scratch.path('garbage.sock')],
      ['silent', scratch.path('silent.sock')],
    ] as const) {
      await slipway
        .run('create', '--name', name, '--driver=remote', '--timeout=1s', `unix://${address}`)
        .catch(() => undefined)
    }
    const listed = await slipway.try('ls', '--timeout=1s')
    assert.match(listed.stdout, /absent0 .*inactive/)
    assert.match(listed.stdout, /^good /m)
    assertOneError(await slipway.try('build', '--builder=garbage', context), /failed to build: /)
    assert.match((await slipway.try('inspect', 'silent', '--timeout=1s')).stdout, /Status: +inactive/)
    for (const name of ['absent', 'garbage', 'silent']) await slipway.run('rm', name)
  })

  it('reach daemons behind TLS, and tell certificates that do not match', {
    skip: lacks({ programs: ['openssl'] }),
  }, async () => {
    const pem = (name: string): string => scratch.path(`${name}.pem`)
    await makeCertificates(scratch.dir)
    const flags = ['--tlscacert', pem('ca'), '--tlscert', pem('server'), '--tlskey', pem('server-key')]
    await using secure = await startServe({
      dir: scratch.dir,
      name: 't',
      address: 'tcp://127.0.0.1:0',
      flags,
    })
    const options = (ca: string): string[] =>
      [...['cacert', ca], ...['cert', 'client'], ...['key', 'client-key']].flatMap((value, i, all) =>
        i % 2 === 0 ? [`--driver-opt=${value}=${pem(all[i + 1] ?? '')}`] : [],
      )
    const create = (name: string, ca: string, ...more: string[]): Promise<string> =>
      slipway.run('create', '--name', name, '--driver=remote', ...options(ca), ...more, secure.address)
    await create('tls', 'ca')
    assert.match(await slipway.run('inspect', '--bootstrap', 'tls'), /Status: +running/)
    assert.match((await buildx('inspect', 'tls')).stdout, /Status: +running/)
    await create('other-ca', 'other')
    assertOneError(
      await slipway.try('build', '--builder=other-ca', context),
      /authentication handshake failed/,
    )
    await create('other-name', 'ca', '--driver-opt=servername=example.org')
    assertOneError(
      await slipway.try('build', '--builder=other-name', context),
      /handshake failed.*example\.org/,
    )
  })

  it('serve as standard streams', async () => {
    await slipway.run('create', '--name=piped', '--driver=remote', serve.address)
    const { stdout } = await tryRun(
      [
        'sh',
        '-c',
        `printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' | timeout 3 ${slipway.command.join(' ')} dial-stdio --builder piped | head -c 9 | od -An -tx1`,
      ],
      { env: slipway.env },
    )
    assert.match(stdout, /^ 00 00 \S\S 04 00 00 00 00 00/, 'the settings of an HTTP/2 server')
  })
})

describe('builders of docker', {
  skip: lacks({
    root: true,
    peers: ['docker-buildx-new', 'dockerd', 'docker', 'docker-init'],
    programs: ['runc', 'busybox'],
  }),
}, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let dockerd: Dockerd
  let slipway: SlipwayCommand
  let context: string
  let buildx: Place['buildx']

  before(async () => {
    const place = stack.use(await openDockerPlace())
    ;({ scratch, dockerd, slipway, context, buildx } = place)
  })
  after(() => stack.disposeAsync())

  it('are the default where a daemon answers, with the embedded engine beside', async () => {
    const [mine, real] = [await slipway.try('ls'), await buildx('ls')]
    assert.match(mine.stdout, /^default\* +docker +\n \\_ default +\\_ default +running/m)
    assert.match(mine.stdout, /^slipway +embedded/m)
    const line = (text: string): string => (/^ \\_ default .*$/m.exec(text)?.[0] ?? '').replaceAll(/ +/g, ' ')
    assert.equal(line(mine.stdout), line(real.stdout))
    const inspected = [await slipway.try('inspect'), await buildx('inspect')]
    assert.equal(timeless(inspected[0]?.stdout ?? ''), timeless(inspected[1]?.stdout ?? ''))
  })

  it('put images into docker, and refuse what its classic store cannot hold', async () => {
    await slipway.run('build', '-t', 'from-slipway:1', context)
    assert.match(await dockerd.docker('images', 'from-slipway'), /from-slipway +1/)
    const refused = await slipway.try('build', '--platform=linux/amd64,linux/arm64', context)
    assertOneError(refused, /Multi-platform build is not supported for the docker driver\.$/)
    assert.match(refused.stderr, /--builder slipway/)
  })

  it('take what the embedded engine loads: one platform, or of several the native one', async () => {
    const load = (...args: string[]): Promise<string> =>
      slipway.run('build', '--builder=slipway', '--load', ...args, context)
    assert.match(await load('-t', 'loaded:1'), /importing to docker/)
    assert.match(
      await load('-t', 'loaded:2', '--platform=linux/amd64,linux/arm64'),
      /classic image store holds one platform/,
    )
    assert.match(
      await dockerd.docker('images', 'loaded'),
      /loaded +2[\s\S]*loaded +1|loaded +1[\s\S]*loaded +2/,
    )
  })

  it('are reached by ssh and through TLS', { skip: lacks({ programs: ['openssl'] }) }, async () => {
    const shim = scratch.path('bin')
    await mkdir(shim)
    // In place of a machine far away: what would run there runs here, told by the arguments after `--`.
    await writeFile(
      scratch.path('bin', 'ssh'),
      `#!/bin/sh\necho "$@" >> ${scratch.path('ssh.log')}\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nunset DOCKER_HOST\nexec "$@"\n`,
      { mode: 0o755 },
    )
    const socket = dockerd.host.slice('unix://'.length)
    const ssh = {
      ...slipway.env,
      DOCKER_HOST: `ssh://me@far.example${socket}`,
      PATH: `${shim}:${dockerd.env['PATH']}`,
    }
    const attempt = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<RunResult> =>
      tryRun([...slipway.command, ...args], { env })
    assert.match((await attempt(ssh, 'inspect')).stdout, /Driver: +docker\n[\s\S]*Status: +running/)
    const built = await attempt(ssh, 'build', '-t', 'by-ssh:1', context)
    assert.equal(built.code, 0, built.stderr)
    assert.match(await dockerd.docker('images', 'by-ssh'), /by-ssh +1/)
    assert.match(
      await readFile(scratch.path('ssh.log'), 'utf8'),
      /-l me -o ConnectTimeout=30 -T -- far\.example docker --host=unix:\S+ system dial-stdio/,
    )
    await makeCertificates(scratch.dir)
    const certs = scratch.path('certs')
    await mkdir(certs)
    for (const [from, to] of [
      ['ca', 'ca'],
      ['client', 'cert'],
      ['client-key', 'key'],
    ] as const) {
      await copyFile(scratch.path(`${from}.pem`), scratch.path('certs', `${to}.pem`))
    }
    const port = await terminateTls(scratch, socket, stack)
    const tls = {
      ...slipway.env,
      DOCKER_HOST: `tcp://127.0.0.1:${port}`,
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: certs,
    }
    assert.match((await attempt(tls, 'inspect')).stdout, /Driver: +docker\n[\s\S]*Status: +running/)
    const over = await attempt(tls, 'build', '-t', 'by-tls:1', context)
    assert.equal(over.code, 0, over.stderr)
    assertOneError(
      await attempt(tls, 'create', '--driver=docker-container'),
      /could not create a builder instance with TLS data loaded from environment/,
    )
    await copyFile(scratch.path('other.pem'), scratch.path('certs', 'ca.pem'))
    const wrong = await attempt(tls, 'ls')
    assert.match(
      wrong.stderr,
      /Cannot load builder default: error during connect: .*authentication handshake failed/,
    )
    assert.match(wrong.stdout, /^default\* +embedded/m)
  })

  it('run in containers: made, used, stopped, kept and removed', async () => {
    await dockerd.docker('load', '-i', await makeBuilderImage(scratch.path('image')))
    const options = '--driver-opt=image=slipway/builder:test,env.HELLO=world,memory=1g,restart-policy=always'
    assert.equal(
      (await slipway.try('create', '--name=boxed', '--driver=docker-container', options)).stdout,
      'boxed\n',
    )
    assert.match((await slipway.try('ls')).stdout, /boxed0 .*inactive/)
    const booted = await slipway.try('inspect', '--bootstrap', 'boxed')
    assert.match(
      booted.stderr,
      /\[internal\] booting buildkit[\s\S]*creating container buildx_buildkit_boxed0/,
    )
    assert.match(
      booted.stdout,
      /Status: +running\nBuildKit daemon flags: +--allow-insecure-entitlement=network.host\n/,
    )
    const found = JSON.parse(await dockerd.docker('inspect', 'buildx_buildkit_boxed0')) as [
      {
        Config: { Env: string[] }
        HostConfig: { Privileged: boolean; Memory: number; RestartPolicy: { Name: string } }
      },
    ]
    assert.ok(found[0].Config.Env.includes('HELLO=world'))
    const { Privileged, Memory, RestartPolicy } = found[0].HostConfig
    assert.deepEqual([Privileged, Memory, RestartPolicy.Name], [true, 2 ** 30, 'always'])
    const real = await buildx('inspect', 'boxed')
    assert.equal(timeless(booted.stdout), timeless(real.stdout))
    await slipway.run('build', '--builder=boxed', '--load', '-t', 'boxed:1', context)
    assert.match(await dockerd.docker('images', 'boxed'), /boxed +1/)
    const silent = await slipway.run('build', '--builder=boxed', context)
    assert.match(
      silent,
      /WARNING: No output specified with docker-container driver\. Build result will only remain/,
    )
    await slipway.run('stop', 'boxed')
    assert.match((await slipway.try('ls')).stdout, /boxed0 .*stopped/)
    await slipway.run('build', '--builder=boxed', '-o', `type=local,dest=${scratch.path('again')}`, context)
    await slipway.run('rm', '--keep-state', 'boxed')
    assert.equal(await dockerd.docker('ps', '-aq'), '')
    assert.equal((await dockerd.docker('volume', 'ls', '-q')).trim(), 'buildx_buildkit_boxed0_state')
    assert.equal(
      (await buildx('create', '--name=boxed', '--driver=docker-container', options, '--bootstrap')).code,
      0,
    )
    assert.match(await slipway.run('inspect', 'boxed'), /Status: +running/)
    await slipway.run('rm', 'boxed')
    assert.equal(await dockerd.docker('ps', '-aq'), '')
    assert.equal(await dockerd.docker('volume', 'ls', '-q'), '')
  })

  it('whose image cannot be had say so, and are removed', async () => {
    await slipway.run(
      'create',
      '--name=missing',
      '--driver=docker-container',
      '--driver-opt=image=localhost:1/no/such:1',
    )
    assertOneError(await slipway.try('build', '--builder=missing', context), /Error response from daemon: /)
    await slipway.run('rm', '-f', 'missing')
    const refused = await slipway.try(
      'create',
      '--name=refused',
      '--driver=docker-container',
      '--driver-opt=nope=1',
    )
    const real = await buildx('create', '--name=refused', '--driver=docker-container', '--driver-opt=nope=1')
    assert.equal(refused.stderr, real.stderr)
  })

  it('belong to contexts, one each', async () => {
    await dockerd.docker(
      '--config',
      scratch.path('docker'),
      'context',
      'create',
      'other',
      '--docker',
      `host=${dockerd.host}`,
    )
    await dockerd.docker(
      '--config',
      scratch.path('docker'),
      'context',
      'create',
      'gone',
      '--docker',
      'host=unix:///nowhere.sock',
    )
    const { DOCKER_HOST: _, ...env } = slipway.env
    const by = { ...slipway, env: { ...env, DOCKER_CONTEXT: 'other' } }
    const attempt = (...args: string[]): Promise<RunResult> =>
      tryRun([...slipway.command, ...args], { env: by.env })
    const listed = await attempt('ls')
    assert.match(listed.stdout, /^other\* +docker/m)
    assert.match(listed.stdout, /^gone +error/m)
    assert.match(listed.stderr, /Cannot load builder gone: /)
    assertOneError(await attempt('use', 'gone'), /run `docker context use gone` to switch to context gone/)
    assert.match(
      (await attempt('rm', 'other')).stderr,
      /context builder cannot be removed, run `docker context rm other`/,
    )
    assertOneError(
      await attempt('create', '--name=gone'),
      /instance name "gone" already exists as context builder/,
    )
  })
})

async function listen(path: string, onConnection: Parameters<Server['on']>[1]): Promise<Server> {
  const server = createServer(onConnection as never)
  await new Promise<void>(resolve => server.listen(path, resolve))
  server.unref()
  return server
}

/** TLS in front of a docker daemon, for clients with a certificate of the CA; answers the port. */
async function terminateTls(scratch: Scratch, socket: string, stack: AsyncDisposableStack): Promise<number> {
  const read = (name: string): Promise<Buffer> => readFile(scratch.path(`${name}.pem`))
  const options = {
    key: await read('server-key'),
    cert: await read('server'),
    ca: await read('ca'),
    requestCert: true,
    rejectUnauthorized: true,
  }
  const server = createTlsServer(options, secured => {
    const plain = connect(socket)
    for (const one of [secured, plain]) one.on('error', () => {})
    secured.pipe(plain).pipe(secured)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stack.defer(() => void server.close())
  server.unref()
  return (server.address() as AddressInfo).port
}
