import { fromBinary } from '@bufbuild/protobuf'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { ExportTraceServiceRequestSchema, TraceService } from '../../proto/gen/trace_pb.ts'
import { callUnary } from '../../session/transport/call.ts'
import { duplexTransport } from '../../session/transport/duplex-transport.ts'
import type { OtlpTarget } from './otlp-target.ts'
import { type Trace, traceMessage } from './trace-message.ts'

/** Sends a trace. Throws what the way there fails with, `deadline-exceeded` where it takes too long. */
export async function sendTrace(trace: Trace, target: OtlpTarget): Promise<void> {
  const signal = AbortSignal.timeout(target.timeoutMs)
  const body = traceMessage(trace)
  if (target.protocol === 'grpc') await sendGrpc(body, target, signal)
  else await sendHttp(body, target, signal)
}

async function sendGrpc(body: Uint8Array, { url, headers }: OtlpTarget, signal: AbortSignal): Promise<void> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 4317)
  const socket =
    url.protocol === 'https:'
      ? connectTls({ host, port, servername: host, ALPNProtocols: ['h2'] })
      : connectTcp(port, host)
  await using connection = duplexTransport(socket)
  // The fields of the message are unknown to us, and are written as they are.
  const request = fromBinary(ExportTraceServiceRequestSchema, body)
  const options = { signal, headers: new Headers(headers) }
  await callUnary(connection.transport, TraceService.method.export, request, options)
}

async function sendHttp(body: Uint8Array, { url, headers }: OtlpTarget, signal: AbortSignal): Promise<void> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const outgoing = request(
    url,
    { method: 'POST', headers: { ...headers, 'content-type': 'application/x-protobuf' }, signal },
    (response: import('node:http').IncomingMessage) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.once('error', reject)
    },
  )
  outgoing.once('error', reject)
  outgoing.end(body)
  const status = await promise
  if (status >= 200 && status < 300) return
  throw new SlipwayError('unknown', `failed to send to ${url.host}: status ${status}`)
}
