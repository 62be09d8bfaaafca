/**
 * What a user has for a registry. With an empty `username` the secret is an identity (refresh) token, as in docker's
 * configuration and in BuildKit's session. `registryToken` is a bearer token to be used as it is.
 */
export interface Credential {
  readonly username: string
  readonly secret: string
  readonly registryToken?: string
}

/** Finds the credential for a registry `host[:port]` as it is dialled (`registry-1.docker.io`); undefined is anonymous. */
export type CredentialProvider = (host: string, signal?: AbortSignal) => Promise<Credential | undefined>

/** Which token is wanted. Source: distribution docs/spec/auth/token.md. */
export interface TokenRequest {
  readonly host: string
  readonly realm: string
  readonly service: string
  /** Normalised: `repository:a:pull,push`, sorted. */
  readonly scopes: readonly string[]
}

/** A bearer token with its life. */
export interface Token {
  readonly token: string
  /** Seconds; 60 where the server says nothing. */
  readonly expiresIn?: number
  /** Milliseconds since the epoch; now where the server says nothing. */
  readonly issuedAt?: number
}

/**
 * Fetches tokens in place of the client, for instance over a build client's session, so that the credential never
 * leaves it. Undefined where it cannot for this host: then the credential provider is asked.
 */
export type TokenProvider = (request: TokenRequest, signal?: AbortSignal) => Promise<Token | undefined>
