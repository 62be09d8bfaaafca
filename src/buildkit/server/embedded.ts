import type { EngineApi } from '../../engine/engine-api.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import type { SessionStore } from '../../session/session.ts'
import { inMemoryTransport } from '../../session/transport/in-memory-transport.ts'
import { createServerRoutes } from './server-routes.ts'

/**
 * A connection to an engine in this process: the same services and the same encoding as over a socket, and sessions
 * without a tunnel, whose local directories the engine reads in place. Disposing it leaves the engine alone.
 */
export function embeddedConnection(engine: EngineApi, sessions: SessionStore): BuildkitConnection {
  return {
    transport: inMemoryTransport(createServerRoutes(engine, sessions)),
    attachSession: caller => sessions.register(caller),
    async [Symbol.asyncDispose]() {},
  }
}
