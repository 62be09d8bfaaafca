import type { IncomingMessage, ServerResponse } from 'node:http'

/** How an in-process registry guards itself. `scopes` of a user are `repository:name:pull,push`; `*` allows everything. */
export type RegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly users: Readonly<Record<string, string>> }
  | {
      readonly kind: 'token'
      /** Passwords by user. */
      readonly users: Readonly<Record<string, string>>
      /** What users may do; absent users may do everything. The user '' stands for the anonymous. */
      readonly scopes?: Readonly<Record<string, readonly string[]>>
      /** Identity tokens and the user each is for. */
      readonly identityTokens?: Readonly<Record<string, string>>
      /** Seconds a token is said to live. @default 300 */
      readonly expiresIn?: number
      /** Requests after which a token is refused, whatever its life. */
      readonly maxUses?: number
    }

interface IssuedToken {
  readonly user: string
  readonly scopes: readonly string[]
  uses: number
}

/** Checks requests and hands out tokens at `/token`. */
export class RegistryGate {
  readonly #auth: RegistryAuth
  readonly #tokens = new Map<string, IssuedToken>()
  /** Scopes of every token that was asked for, in order. */
  readonly asked: string[][] = []

  constructor(auth: RegistryAuth) {
    this.#auth = auth
  }

  /** Makes all tokens that were handed out invalid, as a restart of the token server would. */
  forgetTokens(): void {
    this.#tokens.clear()
  }

  /** Undefined where the request may pass, else the value of WWW-Authenticate for its refusal. */
  refusal(request: IncomingMessage, scope: string): string | undefined {
    const auth = this.#auth
    const header = request.headers.authorization ?? ''
    if (auth.kind === 'none') return undefined
    if (auth.kind === 'basic')
      return userOf(header, auth.users) === undefined ? 'Basic realm="test"' : undefined
    const scheme = 'encrypted' in request.socket ? 'https' : 'http'
    const challenge = `Bearer realm="${scheme}://${request.headers.host}/token",service="test",scope="${scope}"`
    const token = this.#tokens.get(header.replace(/^Bearer /, ''))
    if (token === undefined) return header === '' ? challenge : `${challenge},error="invalid_token"`
    if (auth.maxUses !== undefined && ++token.uses > auth.maxUses) return `${challenge},error="invalid_token"`
    return covers(token.scopes, scope) ? undefined : `${challenge},error="insufficient_scope"`
  }

  /** Serves `/token`. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const auth = this.#auth
    if (auth.kind !== 'token') return void response.writeHead(404).end()
    const url = new URL(request.url ?? '/', 'http://registry')
    const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : undefined
    const scopes =
      form === undefined ? url.searchParams.getAll('scope') : (form.get('scope') ?? '').split(' ')
    const user =
      form === undefined ? userOf(request.headers.authorization ?? '', auth.users) : userOfForm(form, auth)
    const anonymous = form === undefined && request.headers.authorization === undefined
    if (user === undefined && !anonymous) {
      const errors = [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }]
      return void response
        .writeHead(401, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors }))
    }
    this.asked.push(scopes)
    const allowed = auth.scopes?.[user ?? ''] ?? (anonymous ? [] : ['*'])
    const token = crypto.randomUUID()
    this.#tokens.set(token, { user: user ?? '', scopes: scopes.map(s => restrict(s, allowed)), uses: 0 })
    const answer = {
      [form === undefined ? 'token' : 'access_token']: token,
      expires_in: auth.expiresIn ?? 300,
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }
}

function userOf(header: string, users: Readonly<Record<string, string>>): string | undefined {
  const plain = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString()
  const colon = plain.indexOf(':')
  const user = plain.slice(0, colon)
  return colon > 0 && users[user] === plain.slice(colon + 1) ? user : undefined
}

function userOfForm(
  form: URLSearchParams,
  auth: RegistryAuth & { readonly kind: 'token' },
): string | undefined {
  if (form.get('grant_type') === 'refresh_token')
    return auth.identityTokens?.[form.get('refresh_token') ?? '']
  const user = form.get('username') ?? ''
  return auth.users[user] === form.get('password') ? user : undefined
}

async function text(request: IncomingMessage): Promise<string> {
  let all = ''
  for await (const chunk of request) all += String(chunk)
  return all
}

function split(scope: string): { readonly name: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(':')
  return { name: scope.slice(0, colon), actions: scope.slice(colon + 1).split(',') }
}

/** The part of a wanted scope that is allowed. */
function restrict(scope: string, allowed: readonly string[]): string {
  if (allowed.includes('*')) return scope
  const { name, actions } = split(scope)
  const mine = allowed.map(split).find(a => a.name === name)?.actions ?? []
  return `${name}:${actions.filter(a => mine.includes(a)).join(',')}`
}

function covers(scopes: readonly string[], needed: string): boolean {
  if (needed === '') return true
  const { name, actions } = split(needed)
  const mine = scopes.map(split).find(s => s.name === name)?.actions ?? []
  return actions.every(a => mine.includes(a))
}
