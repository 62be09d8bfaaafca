import assert from 'node:assert/strict'
import { toBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { describe, it } from 'node:test'
import { ExportTraceServiceRequestSchema, TraceService } from '../../proto/gen/trace_pb.ts'
import { serveDuplex } from '../../session/transport/serve-http2.ts'
import type { Host } from '../host.ts'
import { otlpTarget } from './otlp-target.ts'
import { openTraceRecorder } from './trace-recorder.ts'

/** The fields of a message: numbers with what stands there, in order. */
function fields(bytes: Uint8Array): [number, Uint8Array | bigint | number][] {
  const reader = new BinaryReader(bytes)
  const found: [number, Uint8Array | bigint | number][] = []
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag()
    found.push([
      no,
      type === 2 ? reader.bytes() : type === 1 ? (reader.fixed64() as bigint) : reader.uint32(),
    ])
  }
  return found
}

const all = (bytes: Uint8Array, no: number): Uint8Array[] =>
  fields(bytes).flatMap(([field, value]) => (field === no ? [value as Uint8Array] : []))
const one = (bytes: Uint8Array, no: number): Uint8Array => all(bytes, no)[0] ?? new Uint8Array()
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface ReadSpan {
  readonly trace: string
  readonly id: string
  readonly parent: string
  readonly name: string
  readonly times: readonly unknown[]
  readonly error: string
}

/** Spans of a request. */
function spansOf(body: Uint8Array): ReadSpan[] {
  return all(one(one(body, 1), 2), 2).map(span => ({
    trace: hexOf(one(span, 1)),
    id: hexOf(one(span, 2)),
    parent: hexOf(one(span, 4)),
    name: textOf(one(span, 5)),
    times: fields(span).flatMap(([no, value]) => (no === 7 || no === 8 ? [value] : [])),
    error: textOf(one(one(span, 15), 2)),
  }))
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Records two steps, and answers what was written to standard error. */
async function record(env: Record<string, string>): Promise<string> {
  let said = ''
  let now = 1000
  let count = 0
  const host = {
    program: 'slipway',
    args: ['--builder=x', 'build', '--build-arg=A=secret', '.'],
    env,
    now: () => (now += 1000),
    random: (size: number) => new Uint8Array(size).fill(++count),
    stderr: { write: (text: string) => void (said += text) },
  } as unknown as Host
  const recorder = openTraceRecorder(host)
  assert.ok(recorder)
  recorder.write({
    vertexes: [
      { digest: 'sha256:1', name: 'one', started: 2100.5 },
      { digest: 'sha256:3', name: 'waits' },
    ],
  })
  recorder.write({
    vertexes: [{ digest: 'sha256:1', name: 'one', started: 2100.5, completed: 2200, cached: true }],
  })
  recorder.write({
    vertexes: [{ digest: 'sha256:2', name: 'two', started: 2200, completed: 2300, error: 'it broke' }],
  })
  await recorder[Symbol.asyncDispose]()
  return said
}

function check(body: Uint8Array, trace: string, parent: string): void {
  const [root, first, second, ...more] = spansOf(body)
  assert.deepEqual(more, [])
  assert.deepEqual([root?.trace, root?.parent, root?.name, root?.error], [trace, parent, 'build', 'it broke'])
  assert.deepEqual([first?.parent, first?.name, first?.error], [root?.id, 'one', ''])
  assert.deepEqual(first?.times, [2_100_500_000n, 2_200_000_000n])
  assert.deepEqual([second?.name, second?.error, second?.trace], ['two', 'it broke', trace])
  assert.doesNotMatch(Buffer.from(body).toString('latin1'), /secret/)
}

describe('traces', () => {
  it('are sent by HTTP, as a part of the trace that the environment names', async () => {
    const requests: { path: string; key: unknown; body: Buffer }[] = []
    const server = createHttp((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        requests.push({
          path: request.url ?? '',
          key: request.headers['api-key'],
          body: Buffer.concat(chunks),
        })
        response.end()
      })
    })
    const address = await listen(server)
    const trace = 'ab'.repeat(16)
    const said = await record({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}/base/`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b',
      TRACEPARENT: `00-${trace}-${'cd'.repeat(8)}-01`,
    })
    server.close()
    assert.equal(said, '')
    assert.equal(requests.length, 1)
    assert.deepEqual([requests[0]?.path, requests[0]?.key], ['/base/v1/traces', 'a b'])
    check(requests[0]?.body ?? Buffer.alloc(0), trace, 'cd'.repeat(8))
  })

  it('are sent by gRPC where nothing else is said', async () => {
    const bodies: Uint8Array[] = []
    const server = createTcp(socket => {
      serveDuplex(socket, router =>
        router.service(TraceService, {
          export: request => {
            bodies.push(toBinary(ExportTraceServiceRequestSchema, request))
            return {}
          },
        }),
      )
    })
    const said = await record({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://${await listen(server)}` })
    server.close()
    assert.equal(said, '')
    check(bodies[0] ?? new Uint8Array(), '04'.repeat(16), '')
  })

  it('that cannot be sent cost a line, and nothing else', async () => {
    const said = await record({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
    assert.match(said, /^WARNING: traces export: .+\n$/)
  })

  it('that are asked for in a way that we do not know cost no more', () => {
    const lines: string[] = []
    const stderr = { write: (line: string) => void lines.push(line) }
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
    assert.equal(openTraceRecorder({ env, stderr } as unknown as Host), undefined)
    assert.deepEqual(lines, ['WARNING: traces export: unsupported otlp protocol http/json\n'])
  })

  it('are asked for by the environment alone, or not at all', () => {
    assert.equal(otlpTarget({}), undefined)
    assert.equal(
      otlpTarget({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }),
      undefined,
    )
    assert.equal(
      otlpTarget({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }),
      undefined,
    )
    assert.equal(otlpTarget({ OTEL_TRACES_EXPORTER: 'otlp' })?.url.href, 'http://localhost:4317/')
    const facts = otlpTarget({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_RESOURCE_ATTRIBUTES: 'team=a,service.name=b',
    })
    assert.deepEqual(
      [...(facts?.resource ?? [])],
      [
        ['service.name', 'b'],
        ['team', 'a'],
      ],
    )
    const wrong = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
    assert.throws(() => otlpTarget(wrong), { message: 'unsupported otlp protocol http/json' })
    assert.equal(otlpTarget({ OTEL_TRACES_EXPORTER: 'console' }), undefined)
  })
})
