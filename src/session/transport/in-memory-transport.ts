import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import type { UniversalClientFn, UniversalHandler } from '@connectrpc/connect/protocol'
import { abortable } from '../../async/abort.ts'
import { grpcTransport } from './grpc-transport.ts'
import { grpcHandlers, type Routes } from './routes.ts'

/**
 * Calls routes in the same process: no socket and no HTTP/2, but the same encoding, status and error path as over a
 * connection, so that what works here works there. Methods run only as far as their answers are read.
 */
export function inMemoryTransport(routes: Routes): Transport {
  return grpcTransport(clientOf(() => grpcHandlers(routes)))
}

/**
 * As connect's `createUniversalHandlerClient`, but trailers are read after the body (it copies them before, which loses
 * the status of a failed stream), and an abort also ends the method's iterator.
 */
function clientOf(handlers: () => readonly UniversalHandler[]): UniversalClientFn {
  // Many sessions are never called, and handlers are costly to make.
  let byPath: ReadonlyMap<string, UniversalHandler> | undefined
  return async request => {
    byPath ??= new Map(handlers().map(handler => [handler.requestPath, handler]))
    const path = new URL(request.url).pathname
    const handler = byPath.get(path)
    if (handler === undefined) throw new ConnectError(`unknown method ${path}`, Code.Unimplemented)
    const signal = request.signal ?? new AbortController().signal
    const running = handler({
      httpVersion: '2.0',
      method: request.method,
      url: request.url,
      header: request.header,
      body: request.body ?? nothing(),
      signal,
    })
    const answer = await abortable(running, signal)
    return {
      status: answer.status,
      header: new Headers(answer.header),
      trailer: (answer.trailer ?? new Headers()) as Headers,
      body: abortableBody(answer.body ?? nothing(), signal),
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Reads a body until the signal aborts. Its iterator is ended then, also when nobody reads at that time. */
async function* abortableBody(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]()
  // Not awaited: a method that waits for something else ends when it sees its own signal.
  const stop = (): void => void iterator.return?.().catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (;;) {
      const next = await abortable(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
