import { SingleFlight } from '../../async/single-flight.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { forOthers } from '../http/follow-redirects.ts'
import type { Transport } from '../http/transport.ts'
import type { Authenticator, Authorization, AuthRequest } from './authenticator.ts'
import type { Challenge } from './challenge.ts'
import type { Credential, CredentialProvider, Token, TokenProvider } from './credential.ts'
import { basicHeader, fetchToken } from './fetch-token.ts'
import { normalizeScopes, scopesContain } from './scope.ts'

/** Where identities come from. */
export interface ChallengeAuthenticatorOptions {
  readonly transport: Transport
  readonly credentials?: CredentialProvider
  /** Asked before the client fetches a token itself. */
  readonly tokens?: TokenProvider
  readonly userAgent?: string
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** What is known of one registry host. */
type HostState =
  | { readonly scheme: 'basic'; readonly header: string }
  | {
      readonly scheme: 'bearer'
      readonly realm: string
      readonly service: string
      /** Asked for once, and only when no token provider serves. */
      readonly credential: () => Promise<Credential | undefined>
      /** Scopes that challenges named, by the scopes that the request had asked for. */
      readonly asked: Map<string, readonly string[]>
    }

interface CachedToken {
  readonly header: string
  readonly expires: number
}

/** Life of a token whose server does not tell, in seconds. */
const defaultExpiry = 60
/** Share of its life in which a token is used. */
const useful = 0.9

/**
 * Docker's token protocol and basic authentication. Tokens are kept by host and scopes until they are about to expire,
 * and fetched anew when a registry refuses one that was kept, so a build may outlive any number of them.
 */
export class ChallengeAuthenticator implements Authenticator {
  readonly #options: ChallengeAuthenticatorOptions
  readonly #hosts = new Map<string, HostState>()
  readonly #tokens = new Map<string, CachedToken>()
  readonly #fetching = new SingleFlight<string, CachedToken>()

  constructor(options: ChallengeAuthenticatorOptions) {
    this.#options = options
  }

  async authorize(request: AuthRequest): Promise<Authorization | undefined> {
    const state = this.#hosts.get(request.host)
    if (state === undefined) return undefined
    if (state.scheme === 'basic') return { header: state.header, fresh: false }
    const wanted = normalizeScopes(request.scopes)
    const scopes = normalizeScopes([...wanted, ...(state.asked.get(wanted.join(' ')) ?? [])])
    const key = `${request.host} ${scopes.join(' ')}`
    const kept = this.#tokens.get(key)
    if (kept !== undefined && kept.expires > this.#now()) return { header: kept.header, fresh: false }
    const work = async (signal: AbortSignal): Promise<CachedToken> => {
      const token = await this.#fetch(request, state, scopes, signal)
      this.#tokens.set(key, token)
      return token
    }
    const token = await this.#fetching.run(key, work, { signal: request.signal })
    return { header: token.header, fresh: true }
  }

  async challenged(
    request: AuthRequest,
    challenges: readonly Challenge[],
    rejected: Authorization | undefined,
  ): Promise<boolean> {
    for (const challenge of challenges) {
      const { host } = request
      if (challenge.scheme === 'bearer') return await this.#bearer(request, challenge, rejected)
      const credential = await this.#options.credentials?.(host, request.signal)
      if (credential === undefined || credential.username === '' || credential.secret === '') continue
      const header = basicHeader(credential)
      if (rejected?.header === header) throw denied('incorrect username or password', host)
      this.#hosts.set(host, { scheme: 'basic', header })
      return true
    }
    return false
  }

  async #bearer(
    request: AuthRequest,
    challenge: Challenge,
    rejected: Authorization | undefined,
  ): Promise<boolean> {
    const { host } = request
    const wanted = normalizeScopes(request.scopes)
    const named = (challenge.parameters['scope'] ?? '').split(' ').filter(s => s !== '')
    let state = this.#hosts.get(host)
    if (rejected !== undefined && state?.scheme === 'bearer') {
      const have = [...wanted, ...(state.asked.get(wanted.join(' ')) ?? [])]
      if (rejected.fresh && scopesContain(have, named)) {
        const said = challenge.parameters['error']
        throw denied(
          said === undefined
            ? 'authorization failed'
            : `server message: ${said.slice(0, 64)}: authorization failed`,
          host,
        )
      }
      for (const [key, kept] of this.#tokens) if (kept.header === rejected.header) this.#tokens.delete(key)
    }
    if (state?.scheme !== 'bearer') {
      const realm = parseRealm(challenge.parameters['realm'], request)
      const service = challenge.parameters['service'] ?? ''
      state = {
        scheme: 'bearer',
        realm,
        service,
        credential: this.#lazyCredential(request),
        asked: new Map(),
      }
      this.#hosts.set(host, state)
    }
    state.asked.set(wanted.join(' '), named)
    return true
  }

  async #fetch(
    request: AuthRequest,
    state: HostState & { readonly scheme: 'bearer' },
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<CachedToken> {
    const { realm, service } = state
    const { transport, tokens, userAgent = 'slipway' } = this.#options
    const wanted = { host: request.host, realm, service, scopes }
    const provided = await tokens?.(wanted, signal)
    if (provided !== undefined) return this.#keep(provided)
    const credential = await state.credential()
    const given = credential?.registryToken
    if (given !== undefined && given !== '')
      return { header: `Bearer ${given}`, expires: Number.POSITIVE_INFINITY }
    const tls = new URL(realm).host === request.host ? request.tls : forOthers(request.tls)
    return this.#keep(await fetchToken(wanted, credential, { transport, userAgent, tls, signal }))
  }

  /** A server whose clock differs from ours so much that its tokens seem to be old is taken at its word about their life. */
  #keep(token: Token): CachedToken {
    const life = (token.expiresIn ?? defaultExpiry) * 1000 * useful
    const now = this.#now()
    const expires = (token.issuedAt ?? now) + life
    return { header: `Bearer ${token.token}`, expires: expires > now ? expires : now + life }
  }

  #lazyCredential(request: AuthRequest): () => Promise<Credential | undefined> {
    let found: Promise<Credential | undefined> | undefined
    return () =>
      (found ??= this.#options.credentials?.(request.host, request.signal) ?? Promise.resolve(undefined))
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }
}

/** A password must not be sent where anybody can read it because a registry says so. */
function parseRealm(realm: string | undefined, request: AuthRequest): string {
  if (realm === undefined)
    throw new SlipwayError('unavailable', 'no realm specified for token auth challenge')
  const url = URL.parse(realm)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new SlipwayError(
      'unavailable',
      `invalid token auth challenge realm: ${JSON.stringify(realm.slice(0, 200))}`,
    )
  }
  if (url.protocol === 'http:' && request.secure) {
    throw new SlipwayError(
      'failed-precondition',
      `refused to authorize at ${url.origin}: the registry ${request.host} is protected by TLS, its token server is not`,
    )
  }
  return url.href
}

function denied(message: string, host: string): SlipwayError {
  const login = host === 'registry-1.docker.io' ? 'docker login' : `docker login ${host}`
  return new SlipwayError('permission-denied', message, {
    hint: `log in with \`${login}\`, or check that the name is right`,
  })
}
