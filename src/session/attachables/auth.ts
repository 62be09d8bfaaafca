import { SlipwayError } from '../../errors/slipway-error.ts'
import { Auth, type FetchTokenRequest } from '../../proto/gen/auth_pb.ts'
import type { Attachable } from '../attachable.ts'
import { authorityKey, signPayload } from './token-authority.ts'
import { fetchRegistryToken, type HttpFetch, type RegistryToken } from './token-request.ts'

/** What is known of a user at a registry; an empty object is the anonymous user. */
export interface RegistryCredentials {
  readonly username?: string
  readonly password?: string
  /** A refresh token, in place of name and password. */
  readonly identityToken?: string
  /** A bearer token that is used as it is. */
  readonly registryToken?: string
}

/**
 * Looks credentials up, anew each time. `host` is as the daemon names it: `registry-1.docker.io` for Docker Hub. `scopes`
 * are those of the token that is wanted, for stores that tell them apart.
 */
export type CredentialProvider = (
  host: string,
  scopes: readonly string[],
  signal: AbortSignal,
) => Promise<RegistryCredentials>

/** How a client takes part in authentication. */
export interface AuthOptions {
  readonly credentials: CredentialProvider
  /** Asks token servers. Default: the global `fetch`. */
  readonly fetch?: HttpFetch
  /**
   * A secret of this client for a host, 16 bytes or more, equal in later builds. With it tokens are fetched here, and the
   * daemon never sees a password; without, the daemon asks for credentials.
   */
  readonly tokenSeed?: (host: string) => Promise<Uint8Array>
  /** Is told when a daemon uses an identity, for progress: `[auth] library/alpine:pull token for registry-1.docker.io`. */
  readonly onUse?: (what: string) => void
}

/** Authenticates the daemon's requests to registries. */
export function auth(options: AuthOptions): Attachable {
  return {
    routes: router =>
      router.service(Auth, {
        async credentials({ Host }, context) {
          const [Username, Secret] = secretOf(await options.credentials(Host, [], context.signal))
          if (Secret !== '') options.onUse?.(`[auth] sharing credentials for ${Host}`)
          return { Username, Secret }
        },
        fetchToken: (request, context) => fetchToken(options, request, context.signal),
        async getTokenAuthority({ Host, Salt }, context) {
          return { PublicKey: (await authority(options, Host, Salt, context.signal)).publicKey }
        },
        async verifyTokenAuthority({ Host, Salt, Payload }, context) {
          return { Signed: signPayload(await authority(options, Host, Salt, context.signal), Payload) }
        },
      }),
  }
}

/** Name and secret as the Credentials call has them: an identity token is a secret without a name. */
function secretOf(credentials: RegistryCredentials): [username: string, secret: string] {
  if (credentials.identityToken) return ['', credentials.identityToken]
  return [credentials.username ?? '', credentials.password ?? '']
}

async function fetchToken(
  options: AuthOptions,
  request: FetchTokenRequest,
  signal: AbortSignal,
): Promise<{ Token: string; ExpiresIn: bigint; IssuedAt: bigint }> {
  const { Host, Realm, Service, Scopes } = request
  const credentials = await options.credentials(Host, Scopes, signal)
  if (credentials.registryToken) return answer({ token: credentials.registryToken })
  const [username, secret] = secretOf(credentials)
  if (secret !== '') {
    const scopes = Scopes.map(scope => scope.replace(/^repository:/, '')).join(' ')
    options.onUse?.(`[auth] ${scopes} token for ${Host}`)
  }
  const wanted = {
    realm: Realm,
    service: Service,
    scopes: Scopes,
    username,
    secret,
    clientId: 'buildkit-client',
  }
  return answer(await fetchRegistryToken(wanted, options.fetch ?? fetch, signal))
}

/** Seconds that a token is good for where the server does not say. */
const defaultExpiry = 60

function answer(token: RegistryToken): { Token: string; ExpiresIn: bigint; IssuedAt: bigint } {
  return {
    Token: token.token,
    ExpiresIn: BigInt(token.expiresIn || defaultExpiry),
    IssuedAt: token.issuedAt === undefined ? 0n : BigInt(Math.floor(token.issuedAt / 1000)),
  }
}

async function authority(
  options: AuthOptions,
  host: string,
  salt: Uint8Array,
  signal: AbortSignal,
): Promise<ReturnType<typeof authorityKey>> {
  if (options.tokenSeed === undefined) throw new SlipwayError('unavailable', 'client side tokens disabled')
  const [, secret] = secretOf(await options.credentials(host, [], signal))
  return authorityKey(salt, secret === '' ? undefined : await options.tokenSeed(host))
}
