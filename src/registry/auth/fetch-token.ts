import { collect } from '../../bytes/collect.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { send, type SendOptions } from '../http/follow-redirects.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import type { TlsSettings } from '../registry-host.ts'
import { registryErrorDetail, statusError } from '../registry-error.ts'
import type { Credential, Token, TokenRequest } from './credential.ts'

const clientId = 'buildkit-client'
const maxTokenAnswer = 1024 * 1024

/** What fetching a token takes besides the request. */
export interface FetchTokenOptions {
  readonly transport: Transport
  readonly userAgent: string
  readonly tls?: TlsSettings | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks the token server of a challenge: GET with basic authentication, then POST where the server wants that; an
 * identity token is redeemed with POST. Without a credential an anonymous token is asked for.
 * Sources: distribution docs/spec/auth/{token,oauth}.md; order as in BuildKit v0.32.2 util/resolver/authorizer.go.
 */
export async function fetchToken(
  request: TokenRequest,
  credential: Credential | undefined,
  options: FetchTokenOptions,
): Promise<Token> {
  if (credential === undefined || credential.secret === '') {
    return await named('failed to fetch anonymous token', () => get(request, undefined, options))
  }
  return await named('failed to fetch oauth token', async () => {
    if (credential.username === '') return await post(request, credential, options)
    try {
      return await get(request, credential, options)
    } catch (error) {
      const status = registryErrorDetail(error)?.status ?? 0
      if (![401, 404, 405].includes(status)) throw error
      return await post(request, credential, options).catch(() => Promise.reject(error))
    }
  })
}

async function named(context: string, fetch: () => Promise<Token>): Promise<Token> {
  try {
    return await fetch()
  } catch (error) {
    throw wrapError(context, error)
  }
}

async function get(
  request: TokenRequest,
  credential: Credential | undefined,
  options: FetchTokenOptions,
): Promise<Token> {
  const url = new URL(request.realm)
  if (request.service !== '') url.searchParams.append('service', request.service)
  for (const scope of request.scopes) url.searchParams.append('scope', scope)
  const authorization = credential === undefined ? undefined : basicHeader(credential)
  return await ask({ method: 'GET', url, authorization }, options)
}

async function post(
  request: TokenRequest,
  credential: Credential,
  options: FetchTokenOptions,
): Promise<Token> {
  const { username, secret } = credential
  const form = new URLSearchParams()
  if (request.scopes.length > 0) form.set('scope', request.scopes.join(' '))
  form.set('service', request.service)
  form.set('client_id', clientId)
  const grant =
    username === ''
      ? { grant_type: 'refresh_token', refresh_token: secret }
      : { grant_type: 'password', username, password: secret }
  for (const [key, value] of Object.entries(grant)) form.set(key, value)
  const bytes = new TextEncoder().encode(form.toString())
  const body = {
    size: bytes.length,
    open: async function* () {
      yield bytes
    },
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return await ask({ method: 'POST', url: new URL(request.realm), headers, body }, options)
}

async function ask(request: Omit<SendOptions, 'transport'>, options: FetchTokenOptions): Promise<Token> {
  const { transport, userAgent, tls, signal } = options
  const headers = { ...request.headers, 'user-agent': userAgent, accept: 'application/json' }
  const response = await send({ ...request, headers, transport, tls, signal })
  if (response.status !== 200) throw await statusError(request.method, response)
  return await readToken(response)
}

async function readToken(response: HttpResponse): Promise<Token> {
  const bytes = await collect(response.body, { limit: maxTokenAnswer, what: 'token response' })
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // The parser's message would quote the answer, and with it perhaps a token.
    throw new SlipwayError('unavailable', 'unable to decode token response: invalid JSON')
  }
  const object = (typeof answer === 'object' && answer !== null ? answer : {}) as Readonly<
    Record<string, unknown>
  >
  const token = [object['access_token'], object['token']].find(t => typeof t === 'string' && t !== '')
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new SlipwayError('unavailable', 'authorization server did not include a token in the response')
  }
  const expiresIn = object['expires_in']
  const issuedAt = typeof object['issued_at'] === 'string' ? Date.parse(object['issued_at']) : Number.NaN
  return {
    token,
    ...(typeof expiresIn === 'number' && expiresIn > 0 ? { expiresIn } : {}),
    ...(Number.isNaN(issuedAt) ? {} : { issuedAt }),
  }
}

/** The value of an Authorization header for basic authentication. Source: RFC 7617. */
export function basicHeader(credential: Credential): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.secret}`).toString('base64')}`
}
