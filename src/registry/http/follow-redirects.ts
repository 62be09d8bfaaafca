import { SlipwayError } from '../../errors/slipway-error.ts'
import type { TlsSettings } from '../registry-host.ts'
import { redactUrl } from './redact-url.ts'
import type { HttpRequest, HttpResponse, Transport } from './transport.ts'

/** A request with its secret kept apart from the other headers, so that it can be dropped. */
export interface SendOptions extends HttpRequest {
  readonly transport: Transport
  /** Value of the Authorization header; goes to the origin of `url` and to no other. */
  readonly authorization?: string | undefined
  /** The answer is checked against a digest, so that it may even come over an unprotected connection. */
  readonly verified?: boolean
}

const maxRedirects = 10

/**
 * Sends a request and follows redirects of GET and HEAD. Authorisation and client certificate stay with the origin they
 * are for; which authorities are trusted holds for the whole way. Redirects from HTTPS to HTTP are only followed for content that is verified.
 */
export async function send(options: SendOptions): Promise<HttpResponse> {
  const { transport, authorization, verified = false, ...request } = options
  let url = request.url
  for (let redirects = 0; ; redirects++) {
    const same = url.origin === request.url.origin
    const headers = { ...request.headers, ...(same && authorization !== undefined ? { authorization } : {}) }
    const response = await transport.send({
      ...request,
      url,
      headers,
      tls: same ? request.tls : forOthers(request.tls),
    })
    const next = nextUrl(request.method, response)
    if (next === undefined) return response
    response.discard()
    if (redirects === maxRedirects) {
      throw new SlipwayError(
        'unavailable',
        `${redactUrl(request.url)}: stopped after ${maxRedirects} redirects`,
      )
    }
    if (url.protocol === 'https:' && next.protocol !== 'https:' && !verified) {
      throw new SlipwayError(
        'failed-precondition',
        `${redactUrl(request.url)}: refused redirect from https to ${redactUrl(next)}`,
      )
    }
    url = next
  }
}

/** The same trust, without our certificate. */
export function forOthers(tls: TlsSettings | undefined): TlsSettings | undefined {
  return tls === undefined ? undefined : { ...tls, anonymous: true }
}

function nextUrl(method: string, response: HttpResponse): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status) || !['GET', 'HEAD'].includes(method))
    return undefined
  const location = response.header('location')
  if (location === undefined) return undefined
  return resolveLocation(location, response.url)
}

/** The URL that a Location header means. Credentials in it are dropped; other schemes than HTTP are refused. */
export function resolveLocation(location: string, base: URL): URL {
  const url = URL.parse(location, base.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new SlipwayError(
      'unavailable',
      `unable to parse location ${JSON.stringify(location.slice(0, 200))}`,
    )
  }
  url.username = ''
  url.password = ''
  url.hash = ''
  return url
}
