import { fromConnectError } from '../../session/errors/wire-error.ts'
import type { SlipwayError } from '../../errors/slipway-error.ts'
import { Control } from '../../proto/gen/control_pb.ts'
import { type Attachable, methodUrls } from '../../session/attachable.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { healthRoutes } from '../../session/health.ts'
import { inMemorySession } from '../../session/in-memory-session.ts'
import { type SessionIdentity, sessionHeaders } from '../../session/session-headers.ts'
import { callStream } from '../../session/transport/call.ts'
import { serveDuplex } from '../../session/transport/serve-http2.ts'
import { openTunnel, type TunnelMessage } from '../../session/tunnel.ts'

/** A session that is open. Disposing it closes it. */
export interface OpenSession extends AsyncDisposable {
  readonly id: string
  /** Settles when the session has ended: with the reason if it was not disposed. Never rejects. */
  readonly closed: Promise<SlipwayError | undefined>
}

/**
 * Opens a session with a daemon and serves attachables in it. Returns at once: builds wait for their session. With an
 * engine in this process nothing is sent, and it may read local directories in place.
 */
export function openSession(
  connection: BuildkitConnection,
  attachables: readonly Attachable[],
  identity: SessionIdentity,
): OpenSession {
  return connection.attachSession === undefined
    ? tunnelSession(connection, attachables, identity)
    : attachSession(connection.attachSession, attachables, identity)
}

function attachSession(
  attach: NonNullable<BuildkitConnection['attachSession']>,
  attachables: readonly Attachable[],
  identity: SessionIdentity,
): OpenSession {
  const session = inMemorySession(identity, attachables)
  const attached = attach(session.caller)
  return {
    id: identity.id,
    closed: session.caller.closed.then(() => undefined),
    async [Symbol.asyncDispose]() {
      session[Symbol.dispose]()
      attached[Symbol.dispose]()
    },
  }
}

function tunnelSession(
  connection: BuildkitConnection,
  attachables: readonly Attachable[],
  identity: SessionIdentity,
): OpenSession {
  const ending = new AbortController()
  const failed = Promise.withResolvers<SlipwayError | undefined>()
  const headers = sessionHeaders(identity, methodUrls([{ routes: healthRoutes }, ...attachables]))
  async function* incoming(): AsyncGenerator<TunnelMessage> {
    try {
      yield* callStream(connection.transport, Control.method.session, tunnel.outgoing, {
        headers,
        signal: ending.signal,
      })
    } catch (error) {
      if (!ending.signal.aborted) failed.resolve(fromConnectError(error))
    }
  }
  const tunnel = openTunnel(incoming())
  const served = serveDuplex(tunnel.duplex, router => {
    healthRoutes(router)
    for (const attachable of attachables) attachable.routes(router)
  })
  void served.closed.then(() => failed.resolve(undefined))
  return {
    id: identity.id,
    closed: failed.promise,
    async [Symbol.asyncDispose]() {
      const closed = served[Symbol.asyncDispose]()
      ending.abort()
      await closed
    },
  }
}
