import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import type { EngineApi } from '../../engine/engine-api.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Content } from '../../proto/gen/content_pb.ts'
import { Control } from '../../proto/gen/control_pb.ts'
import { LLBBridge } from '../../proto/gen/gateway_pb.ts'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../proto/gen/health_pb.ts'
import { GetSecretRequestSchema, Secrets } from '../../proto/gen/secrets_pb.ts'
import { ExportTraceServiceRequestSchema, TraceService } from '../../proto/gen/trace_pb.ts'
import type { Attachable } from '../../session/attachable.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { SessionStore } from '../../session/session.ts'
import { callUnary } from '../../session/transport/call.ts'
import { connectAddress } from '../client/connect.ts'
import { openSession } from '../client/open-session.ts'
import { embeddedConnection } from './embedded.ts'
import { fakeEngine } from './fake-engine.ts'
import { listen } from './listen.ts'
import { buildIdHeader, createServerRoutes } from './server-routes.ts'

const dir = await mkdtemp(join(tmpdir(), 'slipway-server-'))
after(() => rm(dir, { recursive: true }))
let sockets = 0

type Server = AsyncDisposable & { readonly connection: BuildkitConnection; readonly sessions: SessionStore }

const ways: Readonly<Record<string, (engine: EngineApi) => Promise<Server>>> = {
  embedded: async engine => {
    const sessions = new SessionStore()
    return { connection: embeddedConnection(engine, sessions), sessions, async [Symbol.asyncDispose]() {} }
  },
  'unix socket': engine => served(`unix://${join(dir, `${sockets++}.sock`)}`, engine),
  tcp: engine => served('tcp://127.0.0.1:0', engine),
}

async function served(address: string, engine: EngineApi): Promise<Server> {
  await using stack = new AsyncDisposableStack()
  const sessions = new SessionStore()
  const listening = stack.use(await listen([address], createServerRoutes(engine, sessions)))
  const connection = stack.use(connectAddress(listening.addresses[0] as string))
  const owned = stack.move()
  return { connection, sessions, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const secretOf = (value: string): Attachable => ({
  routes: router =>
    router.service(Secrets, {
      getSecret: request => ({ data: new TextEncoder().encode(`${value} ${request.ID}`) }),
    }),
})

for (const [name, start] of Object.entries(ways)) {
  describe(`server, ${name}`, () => {
    it('answers Control by the engine', async () => {
      await using server = await start(
        fakeEngine({
          info: async () => ({ buildkitVersion: { version: 'v0.32.2' } }),
          async *prune(request) {
            for (const ID of request.filter) yield { ID, Size: 5n }
          },
        }),
      )
      const control = createClient(Control, server.connection.transport)
      assert.equal((await control.info({})).buildkitVersion?.version, 'v0.32.2')
      const pruned = await Array.fromAsync(control.prune({ filter: ['a', 'b'] }))
      assert.deepEqual(
        pruned.map(r => [r.ID, r.Size]),
        [
          ['a', 5n],
          ['b', 5n],
        ],
      )
      await assert.rejects(control.diskUsage({}), { code: 'unimplemented' })
    })

    it('sends a failed build as Go clients expect it, and keeps our code beside it', async () => {
      await using server = await start(
        fakeEngine({
          solve: async () => {
            throw new SlipwayError('invalid-argument', 'dockerfile parse error', { hint: 'fix it' })
          },
        }),
      )
      const control = createClient(Control, server.connection.transport)
      await assert.rejects(control.solve({}), {
        code: 'invalid-argument',
        message: 'dockerfile parse error',
        hint: 'fix it',
      })
    })

    it('finds the bridge of a build by its header', async () => {
      await using server = await start(
        fakeEngine({}, { b1: { ping: async () => ({ Workers: [{ ID: 'w' }] }) } }),
      )
      const bridge = createClient(LLBBridge, server.connection.transport)
      const headers = { [buildIdHeader]: 'b1' }
      assert.equal((await bridge.ping({}, { headers })).Workers[0]?.ID, 'w')
      await assert.rejects(bridge.ping({}), { message: 'forwarding Ping: no buildid found in context' })
      await assert.rejects(bridge.ping({}, { headers: { [buildIdHeader]: 'b2' } }), {
        code: 'not-found',
        message: 'NotFound: forwarding Ping: no such job b2',
      })
    })

    it('serves health, history blobs and trace spans', async () => {
      const spans: Uint8Array[] = []
      await using server = await start(
        fakeEngine(
          {},
          {},
          {
            content: {
              info: async digest => ({ digest, size: 6n }),
              async *list() {
                yield* []
              },
              async *read(_, range) {
                const bytes = new TextEncoder().encode('abcdef').subarray(Number(range.offset))
                yield bytes.subarray(0, 2)
                yield bytes.subarray(2)
              },
            },
            traces: async request => void spans.push(request),
          },
        ),
      )
      const { transport } = server.connection
      assert.equal((await createClient(Health, transport).check({})).status, Serving.SERVING)
      const content = createClient(Content, transport)
      assert.equal((await content.info({ digest: 'sha256:x' })).info?.size, 6n)
      const read = await Array.fromAsync(content.read({ digest: 'sha256:x', offset: 1n }))
      assert.deepEqual(
        read.map(r => [r.offset, Buffer.from(r.data).toString()]),
        [
          [1n, 'bc'],
          [3n, 'def'],
        ],
      )
      // Any message with a field that the empty request does not know.
      const bytes = toBinary(GetSecretRequestSchema, create(GetSecretRequestSchema, { ID: 'span' }))
      const request = create(ExportTraceServiceRequestSchema)
      request.$unknown = [{ no: 1, wireType: 2, data: bytes.subarray(1) }]
      await createClient(TraceService, transport).export(request)
      assert.deepEqual(Buffer.from(spans[0] as Uint8Array), Buffer.from(bytes))
    })

    it('reaches the services of a session', async () => {
      await using server = await start(fakeEngine())
      await using session = openSession(server.connection, [secretOf('value of')], {
        id: 's1',
        name: 'here',
        sharedKey: 'k',
      })
      const caller = await server.sessions.get('prefix:s1')
      assert.deepEqual([caller.id, caller.name, caller.sharedKey], ['s1', 'here', 'k'])
      assert.equal(caller.supports('/moby.buildkit.secrets.v1.Secrets/getsecret'), true)
      assert.equal(caller.supports('/moby.buildkit.secrets.v1.Secrets/Other'), false)
      const answers = await Promise.all(
        ['a', 'b', 'c'].map(ID => callUnary(caller.transport, Secrets.method.getSecret, { ID })),
      )
      assert.deepEqual(
        answers.map(a => Buffer.from(a.data).toString()),
        ['value of a', 'value of b', 'value of c'],
      )
      await session[Symbol.asyncDispose]()
      await caller.closed
      assert.equal(await session.closed, undefined)
      assert.equal(server.sessions.peek('s1'), undefined)
    })

    it('keeps two sessions apart and refuses an id twice', async () => {
      await using server = await start(fakeEngine())
      const identity = { name: '', sharedKey: '' }
      await using _one = openSession(server.connection, [secretOf('one')], { ...identity, id: 'one' })
      await using _two = openSession(server.connection, [secretOf('two')], { ...identity, id: 'two' })
      const ask = async (id: string): Promise<string> => {
        const caller = await server.sessions.get(id)
        return Buffer.from(
          (await callUnary(caller.transport, Secrets.method.getSecret, { ID: 'x' })).data,
        ).toString()
      }
      assert.deepEqual(await Promise.all([ask('two'), ask('one')]), ['two x', 'one x'])
      const again = async (): Promise<void> => {
        await using session = openSession(server.connection, [], { ...identity, id: 'one' })
        const reason = await session.closed
        if (reason !== undefined) throw reason
      }
      await assert.rejects(again(), { code: 'already-exists', message: /session one already exists/ })
      assert.equal(await ask('one'), 'one x')
    })
  })
}

describe('listen', () => {
  it('replaces a socket that nobody answers and refuses one in use', async () => {
    const path = join(dir, 'stale.sock')
    const stale = createServer().listen(path)
    await new Promise(resolve => stale.once('listening', resolve))
    await assert.rejects(
      listen([`unix://${path}`], () => {}),
      { code: 'already-exists' },
    )
    await rm(path)
    await new Promise(resolve => stale.close(resolve))
    await writeFile(path, '')
    await assert.rejects(
      listen([`unix://${path}`], () => {}),
      { code: 'already-exists' },
    )
    await rm(path)
    await using _listening = await listen([`unix://${path}`], () => {}, { socketMode: 0o600 })
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('ends connections and session streams when it is disposed', async () => {
    const sessions = new SessionStore()
    const address = `unix://${join(dir, 'ends.sock')}`
    const listening = await listen([address], createServerRoutes(fakeEngine(), sessions))
    await using connection = connectAddress(address)
    await using session = openSession(connection, [], { id: 's', name: '', sharedKey: '' })
    const caller = await sessions.get('s')
    await listening[Symbol.asyncDispose]()
    await caller.closed
    await session.closed
    await assert.rejects(createClient(Control, connection.transport).info({}), { code: 'unavailable' })
  })

  it('reconnects after the daemon was restarted', async () => {
    const address = `unix://${join(dir, 'again.sock')}`
    const routes = createServerRoutes(fakeEngine({ info: async () => ({}) }), new SessionStore())
    await using connection = connectAddress(address)
    const control = createClient(Control, connection.transport)
    for (let i = 0; i < 2; i++) {
      await using _listening = await listen([address], routes)
      await control.info({})
    }
    await assert.rejects(control.info({}), { code: 'unavailable' })
  })

  it('refuses addresses of other kinds', async () => {
    for (const address of ['npipe:////x', 'tcp://x', 'tcp://h:70000', 'unix://', '/run/x.sock']) {
      await assert.rejects(
        listen([address], () => {}),
        { code: 'invalid-argument' },
        address,
      )
    }
  })
})
