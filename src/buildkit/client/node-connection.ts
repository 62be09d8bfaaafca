import type { Transport } from '@connectrpc/connect'
import type { Attachable } from '../../session/attachable.ts'
import type { SessionIdentity } from '../../session/session-headers.ts'

/** A session that a daemon can call back into. Disposing it ends it. */
export interface OpenSession extends AsyncDisposable {
  readonly id: string
}

/** Something that answers BuildKit's Control service, however it is reached. Disposing it closes the connection. */
export interface NodeConnection extends AsyncDisposable {
  readonly transport: Transport
  /** Offers attachables to the daemon for as long as the session is open. */
  openSession(
    identity: SessionIdentity,
    attachables: readonly Attachable[],
    signal: AbortSignal,
  ): Promise<OpenSession>
}
