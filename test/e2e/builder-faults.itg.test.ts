import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from '../../src/buildkit/server/listen.ts'
import { callCli, type CliOutcome } from '../../src/cli/testing/call-cli.ts'
import { lock } from '../../src/sys/file-lock.ts'
import { tryRun } from '../../scripts/setup/run.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { fakeDaemon, startFakeDaemon } from '../support/fake-daemon.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import { openSlipway } from '../support/slipway.ts'

// What is wrong with builders is told in one error, loses nothing and never waits without end.

const daemon = { id: 'worker000000000000000000000', platforms: ['linux/amd64'] }

/** A folder with a context in it, and the command line in this process with everything of its own. */
async function openWorld(stack: AsyncDisposableStack): Promise<World> {
  const scratch = stack.use(await makeScratch())
  mkdirSync(scratch.path('context'))
  writeFileSync(scratch.path('context', 'Dockerfile'), 'FROM scratch\nCOPY x /x\n')
  writeFileSync(scratch.path('context', 'x'), 'x')
  const env = {
    HOME: scratch.path('home'),
    DOCKER_CONFIG: scratch.path('docker'),
    SLIPWAY_ROOT: scratch.path('root'),
    DOCKER_HOST: `unix://${scratch.path('no-docker.sock')}`,
  }
  return {
    scratch,
    instances: scratch.path('docker', 'buildx', 'instances'),
    call: (...args) => callCli(args, { cwd: scratch.dir, env }),
    callWith: (more, ...args) => callCli(args, { cwd: scratch.dir, env: { ...env, ...more } }),
  }
}

interface World {
  readonly scratch: Scratch
  readonly instances: string
  call(...args: string[]): Promise<CliOutcome>
  callWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<CliOutcome>
}

/** Listens on a unix socket until the tests are over. */
async function serveOn(stack: AsyncDisposableStack, server: Server, path: string): Promise<void> {
  await new Promise<void>(resolve => server.listen(path, resolve))
  server.unref()
  stack.defer(() => void server.close())
}

const sockets = (onSocket: (socket: Socket) => void): Server =>
  createServer(socket => {
    socket.on('error', () => {})
    onSocket(socket)
  })

/** Things that listen but are no daemons, by what they do. */
const impostors: Readonly<Record<string, () => Server>> = {
  ssh: () => sockets(socket => socket.end('SSH-2.0-OpenSSH_9\r\n')),
  zeros: () => sockets(socket => void socket.write(Buffer.alloc(5000))),
  closes: () => sockets(socket => void socket.destroy()),
  http1: () => createHttp((_, response) => response.end('hello')),
  http2: () =>
    createHttp2().on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 404 })
      stream.end('nothing here')
    }) as unknown as Server,
  garbled: () =>
    createHttp2().on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
      stream.end(Buffer.from([0, 0, 0, 0, 5, 255, 255, 255, 255, 255]))
    }) as unknown as Server,
}

describe('a remote daemon that', () => {
  const stack = new AsyncDisposableStack()
  let world: World

  before(async () => {
    world = await openWorld(stack)
  })
  after(() => stack.disposeAsync())

  for (const [name, make] of Object.entries(impostors)) {
    it(`is none (${name}) is named with what to check`, async () => {
      const path = world.scratch.path(`${name}.sock`)
      await serveOn(stack, make(), path)
      const created = await world.call('create', '--name', name, '--driver=remote', `unix://${path}`)
      assert.equal(created.code, 0, created.stderr)
      assert.match((await world.call('ls')).stdout, new RegExp(`${name}0 .*inactive`))
      const words = new RegExp(`failed to connect to unix://${path}: `)
      for (const args of [['du'], ['prune', '-f'], ...(name === 'closes' ? [] : [['build', 'context']])]) {
        const failed = await world.call(...args, '--builder', name)
        assertOneError(failed, words)
        assert.equal(failed.code, 1)
        assert.match(failed.stderr, /^hint: .*does not speak BuildKit's API/m)
      }
    })
  }

  it('never answers is given up when the time is over', async () => {
    const path = world.scratch.path('silent.sock')
    await serveOn(
      stack,
      sockets(() => {}),
      path,
    )
    const create = ['create', '--name=silent', '--driver=remote', '--timeout=300ms', `unix://${path}`]
    assert.equal((await world.call(...create)).code, 0)
    assert.match((await world.call('ls', '--timeout=300ms')).stdout, /silent0 .*inactive/)
    assert.match((await world.call('inspect', 'silent', '--timeout=300ms')).stdout, /Status: +inactive/)
    for (const args of [['du'], ['prune', '-f']]) {
      const failed = await world.call(...args, '--builder=silent', '--timeout=300ms')
      assertOneError(failed, /silent\.sock does not answer: context deadline exceeded/)
      assert.match(failed.stderr, /--timeout/)
    }
    const removed = await world.call('rm', 'silent')
    assert.equal(removed.stderr, 'silent removed\n')
  })

  it('comes up while a build waits for it is used', async () => {
    const path = world.scratch.path('late.sock')
    await world.call('create', '--name=late', '--driver=remote', `unix://${path}`)
    const inspecting = world.call('inspect', '--bootstrap', 'late')
    await sleep(700)
    stack.use(await startFakeDaemon(path, daemon))
    const { code, stdout, stderr } = await inspecting
    assert.equal(code, 0, stderr)
    assert.match(stdout, /Status: +running/)
    assert.match(stderr, /\[internal\] waiting for connection/)
  })

  it('has another address than before is found at the new one', async () => {
    stack.use(await startFakeDaemon(world.scratch.path('moved.sock'), daemon))
    await world.call('create', '--name=moved', '--driver=remote', `unix://${world.scratch.path('gone.sock')}`)
    const moved = await world.call(
      ...['create', '--name=moved', '--node=moved0', '--driver=remote'],
      `unix://${world.scratch.path('moved.sock')}`,
    )
    assert.match(moved.stderr, /new settings may not be used until builder is restarted/)
    assert.match((await world.call('inspect', 'moved')).stdout, /Status: +running/)
  })
})

describe('TLS that does not match', { skip: lacks({ programs: ['openssl'] }) }, () => {
  const stack = new AsyncDisposableStack()
  let world: World
  let certificates: Certificates

  before(async () => {
    world = await openWorld(stack)
    certificates = await makeCertificates(world.scratch.dir)
  })
  after(() => stack.disposeAsync())

  async function serve(certificate: string, wantsClient = true): Promise<string> {
    const read = (path: string): Promise<string> => readFile(path, 'utf8')
    const tls = {
      cert: await read(certificates.pem(certificate)),
      key: await read(certificates.key(certificate)),
      ...(wantsClient ? { ca: await read(certificates.pem('ca')) } : {}),
    }
    const listening = stack.use(await listen(['tcp://127.0.0.1:0'], fakeDaemon(daemon), { tls }))
    return listening.addresses[0] as string
  }

  async function create(
    name: string,
    address: string,
    options: readonly string[],
    ...more: string[]
  ): Promise<void> {
    const opts = options.map(option => `--driver-opt=${option}`)
    const made = await world.call('create', '--name', name, '--driver=remote', ...opts, ...more, address)
    assert.equal(made.code, 0, made.stderr)
  }

  const trusting = (ca = 'ca', client = 'client'): string[] => [
    `cacert=${certificates.pem(ca)}`,
    `cert=${certificates.pem(client)}`,
    `key=${certificates.key(client)}`,
  ]

  it('is told at once: CA, name, expiry, the client’s own certificate, no TLS at all', async () => {
    const good = await serve('server')
    await create('good', good, trusting())
    assert.match((await world.call('inspect', 'good')).stdout, /Status: +running/)
    const plain = stack.use(await listen(['tcp://127.0.0.1:0'], fakeDaemon(daemon))).addresses[0] as string
    const cases: readonly (readonly [string, string, readonly string[], RegExp])[] = [
      [
        'wrong-ca',
        good,
        trusting('other'),
        /authentication handshake failed: .*(self-signed|issuer|certificate)/,
      ],
      ['wrong-name', good, [...trusting(), 'servername=example.org'], /handshake failed: .*example\.org/],
      ['elsewhere', await serve('elsewhere'), trusting(), /handshake failed: .*(127\.0\.0\.1|altnames)/],
      ['expired', await serve('expired'), trusting(), /handshake failed: certificate has expired/],
      [
        'no-client',
        good,
        [`cacert=${certificates.pem('ca')}`],
        /failed to connect to tcp:.*(certificate|alert|EOF|reset)/,
      ],
      ['no-tls-there', plain, trusting(), /failed to connect to tcp:/],
      ['no-tls-here', good, [], /failed to connect to tcp:/],
    ]
    for (const [name, address, options, words] of cases) {
      await create(name, address, options)
      assertOneError(await world.call('du', '--builder', name), words)
      assert.match((await world.call('inspect', name)).stdout, /Status: +inactive/, name)
    }
  })

  it('is files that are not there or hold something else', async () => {
    const good = await serve('server')
    await writeFile(world.scratch.path('empty.pem'), 'not a certificate\n')
    for (const [name, ca, words] of [
      ['absent-file', '/nowhere/ca.pem', /could not read ca certificate: .*no such file or directory/],
      ['empty-file', world.scratch.path('empty.pem'), /failed to connect to tcp:/],
    ] as const) {
      await create(name, good, [`cacert=${ca}`])
      assertOneError(await world.call('du', '--builder', name), words)
    }
  })

  it('is a server that never ends its handshake', async () => {
    const server = createServer(() => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stack.defer(() => void server.close())
    const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
    await create('stuck', address, [...trusting(), 'servername=localhost'], '--timeout=300ms')
    assertOneError(
      await world.call('du', '--builder=stuck', '--timeout=300ms'),
      /does not answer: context deadline exceeded/,
    )
  })

  it('is a server that has no HTTP/2', async () => {
    const read = (path: string): Promise<string> => readFile(path, 'utf8')
    const server = createTls({
      cert: await read(certificates.pem('server')),
      key: await read(certificates.key('server')),
      ALPNProtocols: ['http/1.1'],
    })
    server.on('secureConnection', socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stack.defer(() => void server.close())
    await create('old', `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, trusting())
    assertOneError(await world.call('du', '--builder=old'), /failed to connect to tcp:/)
  })
})

describe('a docker daemon that', () => {
  const stack = new AsyncDisposableStack()
  let world: World

  before(async () => {
    world = await openWorld(stack)
  })
  after(() => stack.disposeAsync())

  it('is none is named, and the embedded engine stands in where it was not chosen by name', async () => {
    const path = world.scratch.path('d.sock')
    await serveOn(
      stack,
      sockets(socket => socket.end('SSH-2.0-OpenSSH_9\r\n')),
      path,
    )
    const env = { DOCKER_HOST: `unix://${path}` }
    const listed = await world.callWith(env, 'ls')
    assert.match(listed.stdout, /^default\* +embedded/m)
    assert.match(listed.stderr, /Cannot load builder default: what answers at unix:.* is not a docker daemon/)
    assertOneError(
      await world.callWith(env, 'create', '--driver=docker-container'),
      /failed to initialize builder .*: what answers at unix:.* is not a docker daemon/,
    )
  })

  it('hangs up in the middle is told in the words of Go', async () => {
    const path = world.scratch.path('hangup.sock')
    await serveOn(
      stack,
      sockets(socket => void socket.once('data', () => socket.destroy())),
      path,
    )
    assertOneError(
      await world.callWith({ DOCKER_HOST: `unix://${path}` }, 'create', '--driver=docker-container'),
      /: error during connect: unix:\S+: (?:EOF|read: connection reset by peer)$/,
    )
  })

  it('fails every call, or answers with no JSON, is one error', async () => {
    for (const [name, status, body, words] of [
      ['fails', 500, '{"message":"out of cheese"}', /Error response from daemon: out of cheese/],
      ['nonsense', 200, 'hello', /its answer to \S+ is not JSON/],
    ] as const) {
      const path = world.scratch.path(`${name}.sock`)
      const server = createHttp((_, response) => {
        response.writeHead(status)
        response.end(body)
      })
      await serveOn(stack, server, path)
      assertOneError(
        await world.callWith({ DOCKER_HOST: `unix://${path}` }, 'create', '--driver=docker-container'),
        words,
      )
    }
  })

  it('never answers is given up', async () => {
    const path = world.scratch.path('hangs.sock')
    await serveOn(
      stack,
      sockets(() => {}),
      path,
    )
    const env = { DOCKER_HOST: `unix://${path}` }
    assertOneError(
      await world.callWith(env, 'create', '--driver=docker-container', '--timeout=300ms'),
      /does not answer: context deadline exceeded/,
    )
    const listed = await world.callWith(env, 'ls', '--timeout=300ms')
    assert.match(listed.stderr, /Cannot load builder default: .*(does not answer|deadline exceeded)/)
  })
})

describe('what is stored about builders', () => {
  const stack = new AsyncDisposableStack()
  let world: World

  before(async () => {
    world = await openWorld(stack)
    stack.use(await startFakeDaemon(world.scratch.path('a.sock'), daemon))
    await world.call(
      'create',
      '--use',
      '--name=good',
      '--driver=remote',
      `unix://${world.scratch.path('a.sock')}`,
    )
  })
  after(() => stack.disposeAsync())

  const broken: Readonly<Record<string, string>> = {
    empty: '',
    truncated: '{"Name":"truncated","Driver":"rem',
    types: '{"Name":1,"Driver":[],"Nodes":{}}',
    list: '[]',
    binary: '\0\u0001\u0002',
    huge: `{"Name":"huge","Driver":"remote","Nodes":[${'[['.repeat(200_000)}`,
    many: `{"Name":"many","Driver":"remote","Nodes":[${Array.from({ length: 20_000 }, () => '{}').join(',')}]}`,
    null: 'null',
  }
  for (const [name, content] of Object.entries(broken)) {
    it(`may be broken (${name}): its builder is named, the others work, a new one takes its place`, async () => {
      await writeFile(`${world.instances}/${name}`, content)
      const listed = await world.call('ls')
      assert.equal(listed.code, 0)
      assert.match(listed.stdout, /^good\* +remote/m)
      assert.match(listed.stdout, new RegExp(`^${name} +error`, 'm'))
      assert.match(listed.stderr, new RegExp(`Cannot load builder ${name}: invalid builder instance`))
      const inspected = await world.call('inspect', name)
      assertOneError(inspected, new RegExp(`invalid builder instance: .*instances/${name}`))
      assert.match(inspected.stderr, new RegExp(`^hint: remove .*instances/${name}`, 'm'))
      assertOneError(await world.call('build', '--builder', name, 'context'), /invalid builder instance/)
      assertOneError(
        await world.call('create', '--name', name, '--driver=remote', 'unix:///x'),
        /invalid builder/,
      )
      assert.equal(await readFile(`${world.instances}/${name}`, 'utf8'), content, 'nothing is lost')
      await tryRun(['rm', `${world.instances}/${name}`])
      assert.equal((await world.call('create', '--name', name, '--driver=remote', 'unix:///x')).code, 0)
      assert.equal((await world.call('rm', name)).code, 0)
    })
  }

  it('may be a folder, or of a driver that there is not', async () => {
    await mkdir(`${world.instances}/folder`)
    await writeFile(
      `${world.instances}/odd`,
      '{"Name":"odd","Driver":"cloud","Nodes":[{"Name":"odd0","Endpoint":"x"}],"Dynamic":false}',
    )
    const listed = await world.call('ls')
    assert.match(listed.stderr, /Cannot load builder folder: .*is a directory/)
    assert.match(listed.stderr, /Cannot load builder odd: failed to find driver "cloud"/)
    assert.match(listed.stdout, /^good\*/m)
    assertOneError(await world.call('build', '--builder=odd', 'context'), /failed to find driver "cloud"/)
    await tryRun(['rm', '-r', `${world.instances}/folder`, `${world.instances}/odd`])
  })

  it('is never looked for outside its folder', async () => {
    await writeFile(world.scratch.path('docker', 'secret'), '{"Name":"secret","Driver":"remote","Nodes":[]}')
    for (const name of [
      '../../secret',
      '../secret',
      '/etc/passwd',
      '..',
      '.',
      'a/b',
      'good/../good',
      'good\0',
      '-good',
    ]) {
      for (const args of [
        ['inspect', '--', name],
        ['use', '--', name],
        ['stop', '--', name],
        ['rm', '--', name],
        ['du', `--builder=${name}`],
        ['build', `--builder=${name}`, 'context'],
        ['create', `--name=${name}`, '--driver=remote', 'unix:///x'],
        ['create', '--append', '--name=good', `--node=${name}`, '--driver=remote', 'unix:///x'],
        ['create', '--leave', `--name=${name}`, '--node=x'],
        ['create', '--leave', '--name=good', `--node=${name}`],
      ]) {
        const failed = await world.call(...args)
        assertOneError(
          { ...failed, signal: null } as never,
          /invalid name |no builder "|failed to find instance "|failed to remove one or more|node ".*" not found/,
        )
      }
    }
    assert.match((await world.call('ls')).stdout, /^good\*/m)
  })

  it('is waited for while another program holds the lock, and not for ever', async () => {
    const path = world.scratch.path('docker', 'buildx', '.lock')
    const held = await lock(path)
    const waiting = world.call('ls')
    const first = await Promise.race([waiting.then(() => 'listed'), sleep(500).then(() => 'waits')])
    assert.equal(first, 'waits')
    held[Symbol.dispose]()
    assert.match((await waiting).stdout, /^good\*/m)
  })

  it('stays whole when many processes change it at once', async () => {
    const calls = Array.from({ length: 12 }, (_, i) =>
      i % 3 === 2
        ? world.call('use', i % 2 === 0 ? 'good' : 'nobody')
        : world.call('create', '--use', `--name=n${i}`, '--driver=remote', `unix:///n${i}.sock`),
    )
    const appended = Array.from({ length: 6 }, (_, i) =>
      world.call('create', '--append', '--name=good', `--node=extra${i}`, `unix:///extra${i}.sock`),
    )
    for (const { code, stderr } of await Promise.all(appended)) assert.equal(code, 0, stderr)
    await Promise.all(calls)
    const { stdout } = await world.call('ls', '--format=json')
    const names = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { Name: string; Nodes: { Name: string }[] })
    for (let i = 0; i < 12; i++)
      if (i % 3 !== 2)
        assert.ok(
          names.some(one => one.Name === `n${i}`),
          `n${i}`,
        )
    assert.equal(names.find(one => one.Name === 'good')?.Nodes.length, 7)
  })
})

describe('a daemon that ends in the middle of a build', {
  skip: lacks({ root: true, programs: ['runc', 'busybox'] }),
}, () => {
  it('is one error, and when it is back the next build works', async () => {
    await using scratch = await makeScratch()
    const slipway = await openSlipway({ dir: scratch.dir, env: { BUILDX_BUILDER: '' } })
    const busybox = (await tryRun(['sh', '-c', 'command -v busybox'])).stdout.trim()
    await mkdir(scratch.path('c'))
    await tryRun(['cp', busybox, scratch.path('c', 'busybox')])
    await writeFile(
      scratch.path('c', 'Dockerfile'),
      'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "echo begun; exec /bin/busybox sleep 60"]\n',
    )
    const dockerfile = scratch.path('quick')
    await writeFile(dockerfile, 'FROM scratch\nCOPY busybox /bin/busybox\n')
    const first = await startServe({ dir: scratch.dir, name: 's' })
    await slipway.run('create', '--name=r', '--driver=remote', first.address)
    const building = slipway.try('build', '--builder=r', '--progress=plain', scratch.path('c'))
    await sleep(4000)
    process.kill(first.pid, 'SIGKILL')
    const failed = await building
    assertOneError(failed, /failed to build: /)
    await first[Symbol.asyncDispose]()
    await using _second = await startServe({ dir: scratch.dir, name: 's' })
    await slipway.run('build', '--builder=r', '-f', dockerfile, scratch.path('c'))
  })
})
