import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Transport } from '@connectrpc/connect'
import { createNodeHttpClient } from '@connectrpc/connect-node'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { withEarlyClose } from './early-close.ts'
import { grpcTransport } from './grpc-transport.ts'
import { endWithPeer, http2Options, prepareHttp2 } from './http2-settings.ts'
import { withSafeIterator } from './stream-chunks.ts'

/** A gRPC client on one connection. Disposing it ends the connection and fails what is still running. */
export interface DuplexTransport extends AsyncDisposable {
  readonly transport: Transport
  /** Settles when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>
}

/**
 * Speaks gRPC (HTTP/2 without TLS, prior knowledge) as a client over any byte stream: a session tunnel, the standard
 * streams of `dial-stdio`, a hijacked request. The stream is owned from here on. Calls after its end throw `unavailable`.
 */
export function duplexTransport(duplex: Duplex): DuplexTransport {
  const session = connect('http://localhost', { ...http2Options, createConnection: () => duplex })
  const closed = new Promise<void>(resolve => session.once('close', resolve))
  session.once('connect', () => prepareHttp2(session))
  session.on('error', () => {})
  endWithPeer(duplex)
  return {
    transport: grpcTransport(clientOn(session)),
    closed,
    async [Symbol.asyncDispose]() {
      session.destroy()
      duplex.destroy()
      await closed
    },
  }
}

function clientOn(session: ClientHttp2Session): ReturnType<typeof createNodeHttpClient> {
  return createNodeHttpClient({
    httpVersion: '2',
    sessionProvider: () => ({
      authority: 'http://localhost',
      async request(method, path, headers, options) {
        if (session.closed || session.destroyed) {
          throw new SlipwayError('unavailable', 'Unavailable: error reading from server: EOF')
        }
        const stream = session.request({ ...headers, ':method': method, ':path': path }, options)
        return withEarlyClose(withSafeIterator(stream))
      },
      notifyResponseByteRead() {},
    }),
  })
}
