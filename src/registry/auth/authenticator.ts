import type { TlsSettings } from '../registry-host.ts'
import type { Challenge } from './challenge.ts'

/** A request that may need authorisation. */
export interface AuthRequest {
  /** `host[:port]` as it is dialled. */
  readonly host: string
  /** The connection is encrypted, or does not leave the machine. */
  readonly secure: boolean
  readonly scopes: readonly string[]
  /** Trust settings of the host, which hold for its token server too. */
  readonly tls?: TlsSettings
  readonly signal?: AbortSignal | undefined
}

/** What to send with a request. */
export interface Authorization {
  /** Value of the Authorization header. */
  readonly header: string
  /** It was made just now, so that a refusal is final. */
  readonly fresh: boolean
}

/** Answers the challenges of registries. One for each identity; shared by all requests made for it. */
export interface Authenticator {
  /** What is known to be needed, without asking the registry; undefined before the first challenge. */
  authorize(request: AuthRequest): Promise<Authorization | undefined>
  /**
   * Takes in a 401. `rejected` is what had been sent. True where another try makes sense; throws `permission-denied`
   * where the registry's answer is final, and false where there is nothing to offer.
   */
  challenged(
    request: AuthRequest,
    challenges: readonly Challenge[],
    rejected: Authorization | undefined,
  ): Promise<boolean>
}

/** Sends nothing, whatever is asked. */
export const anonymous: Authenticator = {
  authorize: async () => undefined,
  challenged: async () => false,
}
