import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'

/** The part of `fetch` that is needed, so that a caller can bring certificates and proxies. */
export type HttpFetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: string
    readonly signal: AbortSignal
  },
) => Promise<{ readonly status: number; readonly statusText: string; text(): Promise<string> }>

/** What a token is for, and who asks; an empty secret asks as nobody in particular. */
export interface TokenRequest {
  /** URL of the token server. */
  readonly realm: string
  readonly service: string
  readonly scopes: readonly string[]
  /** Empty with a secret: the secret is a refresh token. */
  readonly username: string
  readonly secret: string
  readonly clientId: string
}

/** A bearer token. `expiresIn` in seconds, `issuedAt` in milliseconds since 1970. */
export interface RegistryToken {
  readonly token: string
  readonly expiresIn?: number
  readonly issuedAt?: number
}

/** Statuses of servers that know no OAuth requests; the older kind is tried then. */
const oauthUnknown: ReadonlySet<number> = new Set([401, 404, 405])

/**
 * Asks a registry's token server: by OAuth (POST) with credentials, by GET without, or where the server does not know POST.
 * Throws `failed to fetch oauth token: …` or `failed to fetch anonymous token: …`.
 * Protocol: https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/
 */
export async function fetchRegistryToken(
  request: TokenRequest,
  http: HttpFetch,
  signal: AbortSignal,
): Promise<RegistryToken> {
  if (request.secret === '') {
    return await inContext('failed to fetch anonymous token', () => get(request, http, signal))
  }
  return await inContext('failed to fetch oauth token', async () => {
    const response = await post(request, http, signal)
    const canGet = oauthUnknown.has(response.status) && (response.status !== 405 || request.username !== '')
    return canGet ? await get(request, http, signal) : await read(request.realm, response)
  })
}

async function post(request: TokenRequest, http: HttpFetch, signal: AbortSignal): ReturnType<HttpFetch> {
  const form = new URLSearchParams({ client_id: request.clientId, service: request.service })
  if (request.scopes.length > 0) form.set('scope', request.scopes.join(' '))
  if (request.username === '') {
    form.set('grant_type', 'refresh_token')
    form.set('refresh_token', request.secret)
  } else {
    form.set('grant_type', 'password')
    form.set('username', request.username)
    form.set('password', request.secret)
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return await http(request.realm, { method: 'POST', headers, body: form.toString(), signal })
}

async function get(request: TokenRequest, http: HttpFetch, signal: AbortSignal): Promise<RegistryToken> {
  const url = new URL(request.realm)
  if (request.service !== '') url.searchParams.append('service', request.service)
  for (const scope of request.scopes) url.searchParams.append('scope', scope)
  const headers: Record<string, string> = {}
  if (request.secret !== '') {
    headers['authorization'] =
      `Basic ${Buffer.from(`${request.username}:${request.secret}`).toString('base64')}`
  }
  return await read(request.realm, await http(url.href, { method: 'GET', headers, signal }))
}

async function read(realm: string, response: Awaited<ReturnType<HttpFetch>>): Promise<RegistryToken> {
  const text = await response.text()
  if (response.status < 200 || response.status >= 400) {
    const code = response.status === 401 || response.status === 403 ? 'unauthenticated' : 'unknown'
    throw new SlipwayError(
      code,
      `unexpected status from ${realm}: ${response.status} ${response.statusText}`.trim(),
      {
        details: [{ type: 'http-response', body: text.slice(0, 1024) }],
      },
    )
  }
  const json: unknown = JSON.parse(text)
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>
  const token = [fields['access_token'], fields['token']].find(
    value => typeof value === 'string' && value !== '',
  )
  if (typeof token !== 'string')
    throw new SlipwayError('unknown', 'authorization server did not include a token in the response')
  const expiresIn = fields['expires_in']
  const issuedAt = typeof fields['issued_at'] === 'string' ? Date.parse(fields['issued_at']) : Number.NaN
  return {
    token,
    ...(typeof expiresIn === 'number' && expiresIn > 0 ? { expiresIn: Math.floor(expiresIn) } : {}),
    ...(Number.isNaN(issuedAt) ? {} : { issuedAt }),
  }
}

async function inContext<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw wrapError(context, error)
  }
}
