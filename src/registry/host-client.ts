import { sleep } from '../async/abort.ts'
import { isSlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Authenticator, Authorization } from './auth/authenticator.ts'
import { parseChallenges } from './auth/challenge.ts'
import { send } from './http/follow-redirects.ts'
import type { HttpRequest, HttpResponse, RequestBody, Transport } from './http/transport.ts'
import { transportErrorType } from './http/transport-error.ts'
import type { RegistryHost } from './registry-host.ts'

/** A request to a registry's API. */
export interface ApiRequest {
  readonly method: HttpRequest['method']
  /** Below `/v2/`: `library/alpine/manifests/latest`; or a whole URL that the registry gave (an upload's). */
  readonly path: string | URL
  /** For a path; a whole URL has its own. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody | undefined
  readonly scopes: readonly string[]
  /** The answer is checked against a digest. */
  readonly verified?: boolean
  readonly signal?: AbortSignal | undefined
}

/** What all requests of a client share. */
export interface HostClientOptions {
  readonly transport: Transport
  readonly authenticator: Authenticator
  readonly userAgent: string
  /** The registry that is meant; mirrors are told. */
  readonly domain: string
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined
}

/** Rounds of 401 that one request may go through: first contact, a token that went stale, wider scopes. */
const maxChallenges = 4
/** Times that one request waits because the registry says that there are too many. */
const maxWaits = 3
const longestWait = 30_000

/** Talks to one server: scheme, authorisation, redirects and throttling. Answers of any status are returned. */
export class HostClient {
  readonly host: RegistryHost
  readonly #options: HostClientOptions
  /** The server turned out not to speak TLS. */
  #plain: boolean

  constructor(host: RegistryHost, options: HostClientOptions) {
    this.host = host
    this.#options = options
    this.#plain = host.scheme === 'http'
  }

  /** The answer to a request. Throws where there is none, or where the authorisation is refused for good. */
  async request(request: ApiRequest): Promise<HttpResponse> {
    let waits = 0
    for (let challenges = 0; ; ) {
      const authorization = await this.#authorize(request)
      const response = await this.#send(request, authorization)
      if (response.status === 401 && this.isOwn(response.url) && challenges++ < maxChallenges) {
        if (!(await this.#challenged(request, response, authorization))) return response
        response.discard()
      } else if (response.status === 429 && waits++ < maxWaits) {
        const asked = Number(response.header('retry-after') ?? Number.NaN) * 1000
        // Nobody waits so long, and asking before is in vain.
        if (asked > longestWait) return response
        response.discard()
        const pause = Number.isFinite(asked) ? asked : 1000 * 2 ** (waits - 1)
        await (this.#options.sleep ?? sleep)(Math.min(Math.max(pause, 0), longestWait), request.signal)
      } else return response
    }
  }

  /** The URL of a path of the API, on the scheme that is in use by now. */
  url(path: string, query: ApiRequest['query'] = {}): URL {
    const url = new URL(`${this.#plain ? 'http' : 'https'}://${this.host.host}${this.host.path}/${path}`)
    for (const [key, values] of Object.entries(query)) {
      for (const value of typeof values === 'string' ? [values] : values) url.searchParams.append(key, value)
    }
    if (this.host.mirror) url.searchParams.append('ns', this.#options.domain)
    return url
  }

  /** Whether `url` is on this server, so that it may see the authorisation. */
  isOwn(url: URL): boolean {
    return url.origin === this.url('').origin
  }

  async #send(request: ApiRequest, authorization: Authorization | undefined): Promise<HttpResponse> {
    const plain = this.#plain
    try {
      return await this.#sendOnce(request, authorization)
    } catch (error) {
      if (plain || !this.host.fallbackToHttp || !this.#speaksNoTls(error)) throw error
      this.#plain = true
      return await this.#sendOnce(request, authorization).catch((e: unknown) => {
        // Nobody is there: who comes may speak TLS.
        if (failureKind(e) === 'refused') this.#plain = false
        throw e
      })
    }
  }

  async #sendOnce(request: ApiRequest, authorization: Authorization | undefined): Promise<HttpResponse> {
    const { method, path, query, headers, body, verified, signal } = request
    const url = typeof path === 'string' ? this.url(path, query) : path
    const own = this.isOwn(url)
    return await send({
      transport: this.#options.transport,
      method,
      url,
      headers: { 'user-agent': this.#options.userAgent, ...headers },
      body,
      verified: verified ?? false,
      authorization: own ? authorization?.header : undefined,
      tls: own ? this.host.tls : { ...this.host.tls, anonymous: true },
      signal,
    })
  }

  /** Also a closed port counts: 443 may be closed and 80 open, and BuildKit's last word is of plain HTTP. */
  #speaksNoTls(error: unknown): boolean {
    const kind = failureKind(error)
    return kind === 'not-tls' || kind === 'refused'
  }

  async #authorize(request: ApiRequest): Promise<Authorization | undefined> {
    try {
      return await this.#options.authenticator.authorize(this.#authRequest(request))
    } catch (error) {
      throw wrapError('failed to authorize', error)
    }
  }

  async #challenged(
    request: ApiRequest,
    response: HttpResponse,
    rejected: Authorization | undefined,
  ): Promise<boolean> {
    const challenges = parseChallenges(response.headers('www-authenticate'))
    try {
      return await this.#options.authenticator.challenged(this.#authRequest(request), challenges, rejected)
    } catch (error) {
      response.discard()
      throw error
    }
  }

  #authRequest(request: ApiRequest): Parameters<Authenticator['authorize']>[0] {
    const { host, tls } = this.host
    return {
      host,
      tls,
      secure: !this.#plain && !tls.insecure,
      scopes: request.scopes,
      signal: request.signal,
    }
  }
}

function failureKind(error: unknown): unknown {
  return isSlipwayError(error)
    ? error.details.find(detail => detail.type === transportErrorType)?.['kind']
    : undefined
}
