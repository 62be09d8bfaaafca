import { type Attachable, methodUrls } from './attachable.ts'
import { healthRoutes } from './health.ts'
import type { SessionCaller } from './session.ts'
import { methodSet, type SessionIdentity } from './session-headers.ts'
import { inMemoryTransport } from './transport/in-memory-transport.ts'

/** A session whose client is in the same process. Disposing it closes it. */
export interface InMemorySession extends Disposable {
  readonly caller: SessionCaller
}

/** Serves attachables to an engine in this process, which may read local directories in place and hands over streams as they are. */
export function inMemorySession(
  identity: SessionIdentity,
  attachables: readonly Attachable[],
): InMemorySession {
  const closed = Promise.withResolvers<void>()
  const caller: SessionCaller = {
    ...identity,
    supports: methodSet(methodUrls(attachables)),
    transport: inMemoryTransport(router => {
      healthRoutes(router)
      for (const attachable of attachables) attachable.routes(router)
    }),
    localDir: name => first(attachables, one => one.localDir?.(name)),
    localStream: exporterId => first(attachables, one => one.localStream?.(exporterId)),
    localTarget: exporterId => first(attachables, one => one.localTarget?.(exporterId)),
    closed: closed.promise,
  }
  return { caller, [Symbol.dispose]: closed.resolve }
}

function first<T>(
  attachables: readonly Attachable[],
  ask: (one: Attachable) => T | undefined,
): T | undefined {
  for (const attachable of attachables) {
    const answer = ask(attachable)
    if (answer !== undefined) return answer
  }
  return undefined
}
