import assert from 'node:assert/strict'
import { Duplex, PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { AsyncQueue } from '../async/async-queue.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { SourceSchema, VertexSchema } from '../proto/gen/errdefs_pb.ts'
import { DefinitionSchema } from '../proto/gen/ops_pb.ts'
import { StatusSchema } from '../proto/gen/rpc-status_pb.ts'
import { fromConnectError, fromRpcStatus, toConnectError, toRpcStatus } from './errors/wire-error.ts'
import { healthOptions, watchHealth } from './health.ts'
import { inMemorySession } from './in-memory-session.ts'
import { encodedValuesOf, setEncodedValues } from './metadata.ts'
import { SessionStore } from './session.ts'
import { readSessionHeaders, sessionHeaders } from './session-headers.ts'
import { headersFromRaw, setValues, valuesOf, WireHeaders } from './transport/header-values.ts'
import { openTunnel, type TunnelMessage } from './tunnel.ts'

const sessionOf = (id: string): ReturnType<typeof inMemorySession> =>
  inMemorySession({ id, name: '', sharedKey: '' }, [])

describe('SessionStore', () => {
  it('finds a session that is open, and one that opens while it waits', async () => {
    const store = new SessionStore()
    const one = sessionOf('one')
    store.register(one.caller)
    assert.equal(await store.get('one'), one.caller)
    assert.equal(await store.get('context-name:one'), one.caller)
    const waiting = [store.get('two'), store.get('x:two')]
    const two = sessionOf('two')
    store.register(two.caller)
    assert.deepEqual(await Promise.all(waiting), [two.caller, two.caller])
  })

  it('gives up in the words of BuildKit', async () => {
    const store = new SessionStore()
    await assert.rejects(store.get('s', { waitMs: 1 }), {
      code: 'deadline-exceeded',
      message: 'no active session for s: context deadline exceeded',
    })
    const controller = new AbortController()
    const waiting = store.get('s', { signal: controller.signal })
    controller.abort()
    await assert.rejects(waiting, { code: 'canceled', message: 'no active session for s: context canceled' })
  })

  it('forgets sessions that close or are taken away', async () => {
    const store = new SessionStore()
    const session = sessionOf('s')
    const registered = store.register(session.caller)
    assert.throws(() => store.register(sessionOf('s').caller), { code: 'already-exists' })
    registered[Symbol.dispose]()
    assert.equal(store.peek('s'), undefined)
    store.register(session.caller)
    session[Symbol.dispose]()
    await session.caller.closed
    assert.equal(store.peek('s'), undefined)
  })
})

describe('session metadata', () => {
  it('says who the session is and what it serves', () => {
    const identity = { id: 'i', name: 'n', sharedKey: 'k' }
    const headers = sessionHeaders(identity, ['/a.B/C', '/d.E/F'])
    assert.deepEqual(readSessionHeaders(headers), { identity, methods: ['/a.B/C', '/d.E/F'] })
    assert.equal(
      sessionHeaders({ ...identity, name: 'größe' }, []).has('x-docker-expose-session-name'),
      false,
    )
    assert.deepEqual(readSessionHeaders(new Headers()), {
      identity: { id: '', name: '', sharedKey: '' },
      methods: [],
    })
  })

  it('names repeated values once each on the wire', () => {
    const headers = new Headers({ single: 'x, y' })
    setValues(headers, 'many', ['a', 'b, c', ''])
    setValues(headers, 'none', [])
    const wire: string[] = []
    new WireHeaders(headers).forEach((value, key) => wire.push(key, value))
    assert.deepEqual(wire, ['many', 'a', 'many', 'b, c', 'many', '', 'single', 'x, y'])
    const back = headersFromRaw([':method', 'POST', ...wire])
    assert.deepEqual([...back], [...headers])
    assert.deepEqual(valuesOf(back, 'many'), ['a', 'b, c', ''])
  })

  it('encodes values that are not ASCII as Go escapes queries', () => {
    for (const [values, raw] of [
      [['a b', '!x/**'], undefined],
      [['ä b', "it's (1)"], '%C3%A4+b\x1fit%27s+%281%29'],
      [['a+%', 'ö'], 'a%2B%25\x1f%C3%B6'],
      [[' leading'], '+leading'],
    ] as const) {
      const headers = new Headers()
      setEncodedValues(headers, 'k', values)
      if (raw !== undefined) assert.equal(headers.get('k'), raw)
      assert.equal(headers.get('k-encoded'), raw === undefined ? null : '1')
      assert.deepEqual(encodedValuesOf(headers, 'k'), values)
    }
  })
})

describe('openTunnel', () => {
  it('carries bytes both ways and ends with its half', async () => {
    const incoming = new AsyncQueue<TunnelMessage>()
    const { duplex, outgoing } = openTunnel(incoming)
    incoming.push({ data: Buffer.from('in') })
    incoming.push({ data: new Uint8Array() })
    incoming.push({ data: Buffer.from('coming') })
    incoming.end()
    duplex.end('outgoing')
    assert.equal(Buffer.concat(await Array.fromAsync(duplex)).toString(), 'incoming')
    const sent = await Array.fromAsync(outgoing)
    assert.equal(Buffer.concat(sent.map(m => m.data)).toString(), 'outgoing')
  })

  it('is destroyed by a failure of what comes in', async () => {
    async function* failing(): AsyncGenerator<TunnelMessage> {
      yield* []
      throw new SlipwayError('unavailable', 'gone')
    }
    const { duplex, outgoing } = openTunnel(failing())
    await assert.rejects(Array.fromAsync(duplex), { message: 'gone' })
    assert.deepEqual(await Array.fromAsync(outgoing), [])
  })

  it('waits with writing while nobody reads', async () => {
    const { duplex, outgoing } = openTunnel(new AsyncQueue<TunnelMessage>())
    const reader = outgoing[Symbol.asyncIterator]()
    let written = 0
    const source = new PassThrough()
    source.pipe(duplex)
    const more = (): boolean => source.write(Buffer.alloc(64 * 1024)) && ++written < 10_000
    while (more());
    assert.ok(written < 10_000)
    assert.ok((await reader.next()).value?.data.length)
    duplex.destroy()
    source.destroy()
    assert.ok(duplex instanceof Duplex)
  })
})

describe('errors on the wire', () => {
  it('keeps a code that BuildKit gives, hides others from a failed build, and restores both', () => {
    for (const [code, wire] of [
      ['canceled', Code.Canceled],
      ['not-found', Code.Unknown],
      ['internal', Code.Internal],
    ] as const) {
      const error = toConnectError(new SlipwayError(code, 'x'), { ofBuild: true })
      assert.equal(error.code, wire)
      error.isWireError = true
      assert.equal(fromConnectError(error).code, code)
    }
    assert.equal(toConnectError(new SlipwayError('not-found', 'x')).code, Code.NotFound)
  })

  it('keeps the graph that a line stands in', () => {
    const definition = toBinary(DefinitionSchema, create(DefinitionSchema, { def: [new Uint8Array([1])] }))
    const source = { filename: 'Dockerfile', data: new Uint8Array([70]), ranges: [], definition }
    const error = fromRpcStatus(toRpcStatus(new SlipwayError('unknown', 'x', { sources: [source] })))
    assert.deepEqual(error?.sources, [source])
  })

  it('does not put the code in front twice', () => {
    const status = toRpcStatus(new SlipwayError('not-found', 'no such job x'))
    assert.equal(status.message, 'no such job x')
    const first = fromRpcStatus(status)
    assert.equal(first?.message, 'NotFound: no such job x')
    assert.equal(fromRpcStatus(toRpcStatus(first))?.message, 'NotFound: no such job x')
    assert.equal(fromRpcStatus(create(StatusSchema)), undefined)
  })

  it("reads the details of Go's BuildKit, JSON or protobuf, and skips what it does not know", () => {
    const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))
    const status = create(StatusSchema, {
      code: 2,
      message: 'boom',
      details: [
        {
          typeUrl: 'github.com/moby/buildkit/errdefs.Source+json',
          value: json({
            info: {
              filename: 'Dockerfile',
              data: Buffer.from('FROM x').toString('base64'),
              language: 'Dockerfile',
            },
            ranges: [{ start: { line: 1 }, end: { line: 1, character: 4 } }],
          }),
        },
        { typeUrl: 'github.com/moby/buildkit/errdefs.Vertex+json', value: json({ digest: 'sha256:1' }) },
        { typeUrl: 'github.com/moby/buildkit/stack.Stack+json', value: json({ frames: [{ Name: 'main' }] }) },
        {
          typeUrl: 'type.googleapis.com/errdefs.Vertex',
          value: toBinary(VertexSchema, create(VertexSchema, { digest: 'sha256:2' })),
        },
        {
          typeUrl: 'type.googleapis.com/errdefs.Source',
          value: toBinary(SourceSchema, create(SourceSchema)),
        },
        { typeUrl: 'github.com/moby/buildkit/errdefs.Vertex+json', value: json([]).subarray(1) },
        { typeUrl: 'x/y.Z', value: new Uint8Array([1, 2, 3]) },
      ],
    })
    const error = fromRpcStatus(status)
    assert.equal(error?.code, 'unknown')
    assert.equal(error?.message, 'boom')
    assert.deepEqual(error?.details, [
      { type: 'errdefs.Vertex', digest: 'sha256:1' },
      { type: 'errdefs.Vertex', digest: 'sha256:2' },
    ])
    assert.deepEqual(
      error?.sources.map(s => [s.filename, Buffer.from(s.data).toString(), s.ranges]),
      [['Dockerfile', 'FROM x', [{ start: { line: 1, character: 0 }, end: { line: 1, character: 4 } }]]],
    )
  })

  it('words lost connections as Go does', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 1234,
    })
    const wrapped = (cause: unknown, code = Code.Unavailable): ConnectError =>
      new ConnectError('wrapped', code, undefined, undefined, cause)
    assert.deepEqual(fromConnectError(wrapped(refused)).message.split(': ').slice(-3), [
      'dial tcp 127.0.0.1:1234',
      'connect',
      'connection refused"',
    ])
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    assert.equal(
      fromConnectError(wrapped(reset)).message,
      'Unavailable: error reading from server: connection reset by peer',
    )
    assert.equal(fromConnectError(wrapped(undefined, Code.Canceled)).code, 'unavailable')
  })
})

describe('watchHealth', () => {
  it('may be asked for other times by the client', () => {
    const options = (text: string) =>
      healthOptions(new Headers({ 'X-Buildkit-Session-Health-Custom-Timeout': text }))
    assert.deepEqual(options('2000'), { intervalMs: 2000, timeoutMs: 2000, failures: 1 })
    assert.deepEqual(options('1'), { intervalMs: 1000, timeoutMs: 1000, failures: 1 })
    for (const text of ['', '0', '-1', 'x']) assert.deepEqual(options(text), {})
  })

  it('goes on while the client answers, and ends when it does not', async () => {
    const session = sessionOf('s')
    const controller = new AbortController()
    const healthy = watchHealth(session.caller, controller.signal, { intervalMs: 1 })
    await new Promise(resolve => setTimeout(resolve, 20))
    controller.abort()
    assert.equal(await healthy, true)
    const dead = {
      ...session.caller,
      transport: {
        ...session.caller.transport,
        unary: () => Promise.reject(new SlipwayError('unavailable', 'gone')),
      },
    }
    assert.equal(await watchHealth(dead, new AbortController().signal, { intervalMs: 1 }), false)
  })
})
