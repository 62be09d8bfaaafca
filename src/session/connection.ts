import type { Transport } from '@connectrpc/connect'
import type { SessionCaller } from './session.ts'

/** A way to a daemon: another process's, or the engine in this one. Disposing it fails the calls that still run. */
export interface BuildkitConnection extends AsyncDisposable {
  /** Calls throw `SlipwayError`. */
  readonly transport: Transport
  /**
   * In-process engines only: makes a session known to the engine directly, with no tunnel between. Disposing the result
   * takes it away.
   */
  readonly attachSession?: (caller: SessionCaller) => Disposable
}
