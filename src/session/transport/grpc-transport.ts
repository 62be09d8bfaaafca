import type { Transport } from '@connectrpc/connect'
import type { UniversalClientFn, UniversalClientResponse } from '@connectrpc/connect/protocol'
import { createTransport } from '@connectrpc/connect/protocol-grpc'
import { typedTransport } from '../errors/typed-transport.ts'
import { WireHeaders } from './header-values.ts'

/**
 * A gRPC client over anything that carries HTTP requests. Calls throw `SlipwayError`. Messages are neither compressed
 * nor limited in size: the peer is a daemon or client that the user chose.
 */
export function grpcTransport(httpClient: UniversalClientFn): Transport {
  const transport = createTransport({
    httpClient: async request => {
      const response = await httpClient({ ...request, header: new WireHeaders(request.header) })
      return { ...response, body: withTrailers(response) }
    },
    baseUrl: 'http://localhost',
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: 0xffffffff,
    writeMaxBytes: 0xffffffff,
  })
  return typedTransport(transport)
}

/**
 * The body of a response, which ends only when its trailers are there. Node announces them in the next tick; over streams
 * of this process (a tunnel), and from a peer that answers before it has heard the whole request, the end comes first.
 */
async function* withTrailers(response: UniversalClientResponse): AsyncGenerator<Uint8Array> {
  yield* response.body
  const key = 'grpc-status'
  if (response.header.has(key) || response.trailer.has(key)) return
  await new Promise(resolve => setImmediate(resolve))
}
