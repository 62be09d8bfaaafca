import type { Transport } from '@connectrpc/connect'
import type { UniversalClientFn } from '@connectrpc/connect/protocol'
import { createTransport } from '@connectrpc/connect/protocol-grpc'
import { typedTransport } from '../errors/typed-transport.ts'
import { WireHeaders } from './header-values.ts'

/**
 * A gRPC client over anything that carries HTTP requests. Calls throw `SlipwayError`. Messages are neither compressed
 * nor limited in size: the peer is a daemon or client that the user chose.
 */
export function grpcTransport(httpClient: UniversalClientFn): Transport {
  const transport = createTransport({
    httpClient: request => httpClient({ ...request, header: new WireHeaders(request.header) }),
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
