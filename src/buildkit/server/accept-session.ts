import type { Duplex } from 'node:stream'
import { type HealthOptions, healthOptions, watchHealth } from '../../session/health.ts'
import type { SessionCaller } from '../../session/session.ts'
import { methodSet, readSessionHeaders } from '../../session/session-headers.ts'
import { duplexTransport } from '../../session/transport/duplex-transport.ts'

/** A client's session, reached through its tunnel. Disposing it closes the tunnel. */
export interface AcceptedSession extends AsyncDisposable {
  readonly caller: SessionCaller
}

/**
 * The daemon's end of a session: a gRPC client on the byte stream that the client opened. `headers` are those of the
 * stream. The session ends with the stream, or when the client stops answering health checks.
 */
export function acceptSession(
  duplex: Duplex,
  headers: Headers,
  health: HealthOptions = healthOptions(headers),
): AcceptedSession {
  const { identity, methods } = readSessionHeaders(headers)
  const connection = duplexTransport(duplex)
  const caller: SessionCaller = {
    ...identity,
    supports: methodSet(methods),
    transport: connection.transport,
    closed: connection.closed,
  }
  const watching = new AbortController()
  const watched = watchHealth(caller, watching.signal, health).then(healthy => {
    if (!healthy) duplex.destroy()
  })
  void connection.closed.then(() => watching.abort())
  return {
    caller,
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]()
      await watched
    },
  }
}
