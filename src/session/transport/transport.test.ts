import assert from 'node:assert/strict'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createNetServer, connect as netConnect, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Transport } from '@connectrpc/connect'
import { AsyncQueue } from '../../async/async-queue.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Packet_PacketType } from '../../proto/gen/fsutil_pb.ts'
import { BytesMessageSchema, FileSend, FileSync } from '../../proto/gen/filesync_pb.ts'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../proto/gen/health_pb.ts'
import { Secrets } from '../../proto/gen/secrets_pb.ts'
import { callStream, callUnary, once } from './call.ts'
import { duplexTransport } from './duplex-transport.ts'
import { setValues, valuesOf } from './header-values.ts'
import { inMemoryTransport } from './in-memory-transport.ts'
import type { Routes } from './routes.ts'
import { serveDuplex, type ServeDuplexOptions } from './serve-http2.ts'

interface Peer extends AsyncDisposable {
  readonly transport: Transport
}

/** One way to connect a client to routes. */
type Link = (routes: Routes) => Promise<Peer>

function overDuplexes(a: Duplex, b: Duplex, routes: Routes, options: ServeDuplexOptions = {}): Peer {
  const served = serveDuplex(b, routes, options)
  const client = duplexTransport(a)
  return {
    transport: client.transport,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await served[Symbol.asyncDispose]()
    },
  }
}

const links: Readonly<Record<string, Link>> = {
  'in memory': async routes => ({
    transport: inMemoryTransport(routes),
    async [Symbol.asyncDispose]() {},
  }),
  'over a pair of streams': async routes => overDuplexes(...duplexPair(), routes),
  'over a socket': async routes => {
    const accepted = Promise.withResolvers<Socket>()
    const server = createNetServer(accepted.resolve).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const client = netConnect(port, '127.0.0.1')
    const peer = overDuplexes(client, await accepted.promise, routes)
    server.close()
    return peer
  },
}

for (const [name, link] of Object.entries(links)) {
  describe(`gRPC ${name}`, () => {
    it('calls a method', async () => {
      await using peer = await link(router =>
        router.service(Health, {
          check: request => ({ status: request.service === '' ? Serving.SERVING : Serving.UNKNOWN }),
        }),
      )
      assert.equal((await callUnary(peer.transport, Health.method.check, {})).status, Serving.SERVING)
    })

    it('carries large messages', async () => {
      const data = new Uint8Array(9_000_000).fill(7)
      await using peer = await link(router => router.service(Secrets, { getSecret: () => ({ data }) }))
      const answer = await createClient(Secrets, peer.transport).getSecret({ ID: 'x' })
      assert.equal(Buffer.compare(answer.data, data), 0)
    })

    it('streams both ways at once', async () => {
      await using peer = await link(router =>
        router.service(FileSync, {
          async *diffCopy(requests) {
            for await (const packet of requests) yield { ...packet, ID: packet.ID + 1 }
          },
        }),
      )
      const requests = new AsyncQueue<{ ID: number; type: Packet_PacketType }>()
      requests.push({ ID: 0, type: Packet_PacketType.PACKET_REQ })
      const seen: number[] = []
      for await (const packet of callStream(peer.transport, FileSync.method.diffCopy, requests)) {
        seen.push(packet.ID)
        if (seen.length < 4) requests.push({ ID: packet.ID, type: packet.type })
        else requests.end()
      }
      assert.deepEqual(seen, [1, 2, 3, 4])
    })

    it('moves many messages and stays in order', async () => {
      await using peer = await link(router =>
        router.service(FileSend, {
          async *diffCopy(requests) {
            let next = 0
            for await (const { data } of requests) {
              assert.equal(data[0], next++ % 256)
              yield { data: data.subarray(0, 1) }
            }
          },
        }),
      )
      async function* chunks(): AsyncGenerator<{ data: Uint8Array }> {
        for (let i = 0; i < 600; i++) yield { data: new Uint8Array(32_768).fill(i % 256) }
      }
      let count = 0
      for await (const { data } of callStream(peer.transport, FileSend.method.diffCopy, chunks())) {
        assert.equal(data[0], count++ % 256)
      }
      assert.equal(count, 600)
    })

    it('keeps repeated metadata apart, commas and all', async () => {
      const given = ['a, b', '', '**/c', ...Array.from({ length: 500 }, (_, i) => `dir${i}/**`)]
      let got: string[] = []
      await using peer = await link(router =>
        router.service(Health, {
          check: (_, context) => {
            got = valuesOf(context.requestHeader, 'include-patterns')
            return {}
          },
        }),
      )
      const headers = new Headers()
      setValues(headers, 'include-patterns', given)
      await callUnary(peer.transport, Health.method.check, {}, { headers })
      assert.deepEqual(got, given)
    })

    it('brings errors across with code, sources, details, hint and exit code', async () => {
      const sources = [
        {
          filename: 'Dockerfile',
          data: new TextEncoder().encode('FROM x\n'),
          language: 'Dockerfile',
          ranges: [{ start: { line: 1, character: 0 }, end: { line: 1, character: 3 } }],
        },
      ]
      const details = [
        { type: 'errdefs.Vertex', digest: 'sha256:1' },
        { type: 'own', why: 'because' },
      ]
      await using peer = await link(router =>
        router.service(Health, {
          check: () => {
            throw new SlipwayError('not-found', 'no such thing ä', {
              hint: 'look',
              exitCode: 3,
              sources,
              details,
            })
          },
        }),
      )
      await assert.rejects(callUnary(peer.transport, Health.method.check, {}), (error: SlipwayError) => {
        assert.equal(error.code, 'not-found')
        assert.equal(error.message, 'NotFound: no such thing ä')
        assert.equal(error.hint, 'look')
        assert.equal(error.exitCode, 3)
        assert.deepEqual(
          error.sources.map(s => ({ ...s, data: Uint8Array.from(s.data) })),
          sources,
        )
        assert.deepEqual(error.details, details)
        return true
      })
    })

    it('brings an error across that comes after some messages', async () => {
      await using peer = await link(router =>
        router.service(Health, {
          async *watch() {
            yield { status: Serving.SERVING }
            throw new SlipwayError('unknown', 'lost it')
          },
        }),
      )
      const seen: number[] = []
      const call = async (): Promise<void> => {
        for await (const answer of callStream(peer.transport, Health.method.watch, once({})))
          seen.push(answer.status)
      }
      await assert.rejects(call(), { code: 'unknown', message: 'lost it' })
      assert.deepEqual(seen, [Serving.SERVING])
    })

    it('tells the method when the caller aborts or leaves', async () => {
      const aborted: string[] = []
      let woke = Promise.withResolvers<void>()
      await using peer = await link(router =>
        router.service(Health, {
          async *watch(request, context) {
            try {
              yield { status: Serving.SERVING }
              await new Promise(resolve => context.signal.addEventListener('abort', resolve))
            } finally {
              aborted.push(request.service)
              woke.resolve()
            }
          },
        }),
      )
      const controller = new AbortController()
      const call = callStream(peer.transport, Health.method.watch, once({ service: 'aborts' }), {
        signal: controller.signal,
      })
      await call.next()
      const pending = call.next()
      controller.abort()
      await assert.rejects(pending, { code: 'canceled', message: 'context canceled' })
      await woke.promise
      woke = Promise.withResolvers()
      for await (const _ of callStream(peer.transport, Health.method.watch, once({ service: 'leaves' })))
        break
      await woke.promise
      assert.deepEqual(aborted, ['aborts', 'leaves'])
    })

    it('does not begin a call whose signal is aborted', async () => {
      await using peer = await link(router => router.service(Health, {}))
      const signal = AbortSignal.abort()
      await assert.rejects(callUnary(peer.transport, Health.method.check, {}, { signal }), {
        code: 'canceled',
      })
    })

    it('answers unimplemented for methods that are not there', async () => {
      await using peer = await link(router => router.service(Health, {}))
      await assert.rejects(callUnary(peer.transport, Health.method.check, {}), { code: 'unimplemented' })
      await assert.rejects(callUnary(peer.transport, Secrets.method.getSecret, {}), { code: 'unimplemented' })
    })
  })
}

describe('duplexTransport', () => {
  it('fails what runs and what comes when the connection ends', async () => {
    const [a, b] = duplexPair()
    const started = Promise.withResolvers<void>()
    const served = serveDuplex(b, router =>
      router.service(Health, {
        check: async (_, context) => {
          started.resolve()
          await new Promise(resolve => context.signal.addEventListener('abort', resolve))
          return {}
        },
      }),
    )
    const client = duplexTransport(a)
    const running = callUnary(client.transport, Health.method.check, {})
    await started.promise
    await served[Symbol.asyncDispose]()
    await assert.rejects(running)
    await client.closed
    await assert.rejects(callUnary(client.transport, Health.method.check, {}), { code: 'unavailable' })
    await client[Symbol.asyncDispose]()
  })

  it('fails a call whose stream the peer closes without an answer and without an error', async () => {
    const [near, far] = duplexPair()
    const server = createHttp2Server()
    server.on('stream', () => void server.emit('asked'))
    server.once('session', session => server.once('asked', () => session.destroy()))
    server.emit('connection', far)
    await using client = duplexTransport(near)
    await assert.rejects(
      callUnary(client.transport, Health.method.check, {}),
      /Unavailable: error reading from server: EOF/,
    )
  })

  it('refuses a message above the limit with a gRPC error', async () => {
    const [a, b] = duplexPair()
    await using peer = overDuplexes(a, b, router =>
      router.service(FileSend, {
        async *diffCopy(requests) {
          for await (const _ of requests) yield {}
        },
      }),
    )
    const call = callStream(
      peer.transport,
      FileSend.method.diffCopy,
      once({ data: new Uint8Array(17 * 1024 * 1024) }),
    )
    await assert.rejects(call.next(), { code: 'resource-exhausted' })
    assert.equal(BytesMessageSchema.typeName, 'moby.filesync.v1.BytesMessage')
  })

  it('ends with a peer that speaks something else, and with one that says nothing in time', async () => {
    for (const words of ['this is no HTTP/2\n', Buffer.alloc(1 << 16), undefined]) {
      const [a, b] = duplexPair()
      a.on('error', () => {}).resume()
      const served = serveDuplex(b, () => {}, words === undefined ? { greeting: 20 } : {})
      if (words !== undefined) a.write(words)
      await served.closed
    }
  })

  it('does not end with a peer that has greeted and then says nothing', async () => {
    const [a, b] = duplexPair()
    await using peer = overDuplexes(a, b, () => {}, { greeting: 200 })
    const gone = callUnary(peer.transport, Health.method.check, {})
    await assert.rejects(gone, { code: 'unimplemented' })
    await sleep(300)
    await assert.rejects(callUnary(peer.transport, Health.method.check, {}), { code: 'unimplemented' })
  })

  it('answers an unknown method with headers that end the stream, as Go clients want it', async () => {
    const [a, b] = duplexPair()
    const served = serveDuplex(b, () => {})
    const session = connectHttp2('http://localhost', { createConnection: () => a })
    const request = session.request({ ':method': 'POST', ':path': '/no.Service/Method', te: 'trailers' })
    const [status, ended] = await new Promise<[unknown, boolean]>(resolve => {
      request.once('response', (headers, flags) => resolve([headers['grpc-status'], (flags & 1) === 1]))
    })
    assert.deepEqual([status, ended], ['12', true])
    session.destroy()
    await served[Symbol.asyncDispose]()
  })
})
