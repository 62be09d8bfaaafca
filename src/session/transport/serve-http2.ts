import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node'
import { headersFromRaw } from './header-values.ts'
import { endWithPeer, http2Options, prepareHttp2 } from './http2-settings.ts'
import { type CallObserver, observeCalls } from './observe-calls.ts'
import { grpcHandlers, type Routes } from './routes.ts'

/** Answers one HTTP/2 request. */
export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

/** What happens around calls. */
export interface Http2HandlerOptions {
  readonly onCall?: CallObserver | undefined
  readonly stopping?: AbortSignal | undefined
}

/**
 * A handler of gRPC requests; paths that are not in the routes are answered as an unknown method, as Go's servers do.
 * `onCall` hears of each call that has ended; `stopping` ends those that still run.
 */
export function http2Handler(routes: Routes, options: Http2HandlerOptions = {}): Http2Handler {
  const { onCall, stopping } = options
  const outermost = onCall === undefined ? [] : [observeCalls(onCall)]
  const handlers = new Map(
    grpcHandlers(routes, { outermost, stopping }).map(handler => [handler.requestPath, handler]),
  )
  return (request, response) => {
    const path = request.url.split('?', 1)[0] as string
    const handler = handlers.get(path)
    if (handler === undefined) {
      answerUnimplemented(path, response)
      return
    }
    const universal = universalRequestFromNodeRequest(request, response, undefined, undefined)
    handler({ ...universal, header: headersFromRaw(request.rawHeaders) })
      .then(answer => universalResponseToNodeResponse(answer, response))
      // The peer has gone: there is nobody to tell.
      .catch(() => response.stream?.destroy())
  }
}

function answerUnimplemented(path: string, response: Http2ServerResponse): void {
  const [, service = '', method = ''] = /^\/(.*)\/([^/]*)$/.exec(path) ?? []
  // Status and end in one frame: Go's client takes headers that do not end the stream for the beginning of an answer.
  const headers = {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': '12',
    'grpc-message': encodeURIComponent(`unknown method ${method} for service ${service}`),
  }
  response.stream.respond(headers, { endStream: true })
}

/** A server on one connection. Disposing it ends the connection. */
export interface ServedDuplex extends AsyncDisposable {
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>
}

/** How long the peer may take. */
export interface ServeDuplexOptions {
  /** For its first words, ms; then the connection is ended. No limit if absent. */
  readonly greeting?: number
}

/**
 * Speaks gRPC (HTTP/2 without TLS, prior knowledge) as the server over any byte stream: a client's end of a session, the
 * standard streams of a frontend's container. The stream is owned from here on; a peer that speaks something else ends it.
 */
export function serveDuplex(duplex: Duplex, routes: Routes, options: ServeDuplexOptions = {}): ServedDuplex {
  const server = createServer(http2Options, http2Handler(routes))
  const closed = new Promise<void>(resolve => duplex.once('close', resolve))
  const { greeting } = options
  const silence = greeting === undefined ? undefined : setTimeout(() => duplex.destroy(), greeting)
  server.on('session', session => {
    prepareHttp2(session)
    session.once('remoteSettings', () => clearTimeout(silence))
    session.once('close', () => duplex.destroy())
  })
  server.on('sessionError', () => {})
  endWithPeer(duplex)
  duplex.once('close', () => clearTimeout(silence))
  server.emit('connection', duplex)
  return {
    closed,
    async [Symbol.asyncDispose]() {
      duplex.destroy()
      await closed
    },
  }
}
