import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An entry of the service, complete or being uploaded. */
export interface ActionsEntry {
  readonly key: string
  readonly version: string
  readonly scope: string
  /** Order of completion; undefined: not complete yet. */
  done?: number
  bytes: Buffer
}

/** How the server behaves. */
export interface ActionsCacheOptions {
  /** Asked for each request, as `METHOD path`: a status and a body instead of the right answer. */
  readonly fault?: (
    request: string,
  ) =>
    | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
    | undefined
  readonly listen?: { readonly host: string; readonly port: number }
}

/**
 * The cache service of GitHub Actions on loopback, in memory, in both of its forms: REST (`_apis/artifactcache`) and
 * Twirp with uploads to blob storage under signed URLs. Entries are kept by branch: a token reads from all of its
 * scopes and writes to the last that it may write to.
 */
export interface ActionsCacheServer extends AsyncDisposable {
  /** `http://127.0.0.1:port/` */
  readonly url: string
  readonly entries: ActionsEntry[]
  /** What was asked so far: `METHOD path`, without queries. */
  readonly requests: string[]
  /** From now on signed URLs that were given out are refused. */
  expireUrls(): void
}

/** A token of a workflow run for these branches, as the service understands it; valid for an hour around `now`. */
export function runtimeToken(
  scopes: readonly { readonly Scope: string; readonly Permission: number }[],
  times: { readonly nbf?: number; readonly exp?: number } = {},
): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { ac: JSON.stringify(scopes), nbf: now - 60, exp: now + 3600, ...times }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`
}

/** Starts one. */
export async function startActionsCache(options: ActionsCacheOptions = {}): Promise<ActionsCacheServer> {
  const state: State = { entries: [], blocks: new Map(), ids: new Map(), secret: randomUUID(), count: 0 }
  const requests: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
      const name = `${request.method} ${url.pathname}`
      requests.push(name)
      const body = await bodyOf(request)
      const fault = options.fault?.(name)
      if (fault !== undefined) return response.writeHead(fault.status, fault.headers).end(fault.body)
      return answer(state, { request, response, url, body })
    })().catch(() => response.destroy())
  })
  const { host, port } = options.listen ?? { host: '127.0.0.1', port: 0 }
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    entries: state.entries,
    requests,
    expireUrls: () => void (state.secret = randomUUID()),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface State {
  readonly entries: ActionsEntry[]
  /** Blocks that are not in a list yet, by path and id. */
  readonly blocks: Map<string, Map<string, Buffer>>
  /** Entries by the number under which they are uploaded. */
  readonly ids: Map<string, ActionsEntry>
  secret: string
  count: number
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly body: Buffer
}

interface Scope {
  readonly Scope: string
  readonly Permission: number
}

function answer(state: State, asked: Asked): void {
  const { url, response, request } = asked
  if (url.pathname.startsWith('/blob/')) return storage(state, asked)
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) return json(response, 401, { message: 'no token' })
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { ac: string }
  const scopes = JSON.parse(claims.ac) as readonly Scope[]
  const rest = '/_apis/artifactcache/'
  if (url.pathname.startsWith(rest)) return first(state, asked, scopes, url.pathname.slice(rest.length))
  const twirp = '/twirp/github.actions.results.api.v1.CacheService/'
  if (url.pathname.startsWith(twirp)) return second(state, asked, scopes, url.pathname.slice(twirp.length))
  json(response, 404, { message: 'no such path' })
}

/** The newest complete entry: the very key before keys that begin so, nearer branches before others. */
function find(
  state: State,
  keys: readonly string[],
  version: string,
  scopes: readonly Scope[],
): ActionsEntry | undefined {
  for (const { Scope, Permission } of scopes) {
    if ((Permission & 1) === 0) continue
    const own = state.entries.filter(
      one => one.done !== undefined && one.scope === Scope && one.version === version,
    )
    for (const key of keys) {
      const begins = own
        .filter(one => one.key.startsWith(key))
        .toSorted((a, b) => (b.done ?? 0) - (a.done ?? 0))
      const found = own.find(one => one.key === key) ?? begins[0]
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** A new entry; undefined where there is one of that key. */
function reserve(
  state: State,
  key: string,
  version: string,
  scopes: readonly Scope[],
): ActionsEntry | undefined {
  const scope = scopes.findLast(one => (one.Permission & 2) !== 0)?.Scope
  if (scope === undefined) return undefined
  const same = (one: ActionsEntry): boolean =>
    one.key === key && one.version === version && one.scope === scope
  if (state.entries.some(same)) return undefined
  const entry: ActionsEntry = { key, version, scope, bytes: Buffer.alloc(0) }
  state.entries.push(entry)
  state.ids.set(String(state.entries.length), entry)
  return entry
}

function first(
  state: State,
  { request, response, url, body }: Asked,
  scopes: readonly Scope[],
  path: string,
): void {
  const id = /^caches\/(\d+)$/.exec(path)?.[1]
  const entry = id === undefined ? undefined : state.ids.get(id)
  if (request.method === 'GET' && path === 'cache') {
    const keys = (url.searchParams.get('keys') ?? '').split(',')
    const found = find(state, keys, url.searchParams.get('version') ?? '', scopes)
    if (found === undefined) return void response.writeHead(204).end()
    const archiveLocation = signedUrl(state, url, found)
    return json(response, 200, { cacheKey: found.key, scope: found.scope, archiveLocation })
  }
  if (request.method === 'POST' && path === 'caches') {
    const { key, version } = JSON.parse(body.toString()) as { key: string; version: string }
    const made = reserve(state, key, version, scopes)
    if (made !== undefined) return json(response, 201, { cacheId: state.entries.indexOf(made) + 1 })
    const typeKey = 'ArtifactCacheItemAlreadyExistsException'
    return json(response, 409, {
      typeKey,
      message: `Cache already exists. Scope: ${scopes[0]?.Scope}, Key: ${key}`,
    })
  }
  if (entry === undefined) return json(response, 404, { message: 'no such cache' })
  if (request.method === 'PATCH') {
    const [, start = '', end = ''] =
      /^bytes (\d+)-(\d+)\/\*$/.exec(request.headers['content-range'] ?? '') ?? []
    if (start === '' || Number(end) - Number(start) + 1 !== body.length)
      return json(response, 400, { message: 'wrong range' })
    const size = Math.max(entry.bytes.length, Number(end) + 1)
    entry.bytes = Buffer.concat([entry.bytes], size)
    body.copy(entry.bytes, Number(start))
    return void response.writeHead(204).end()
  }
  const { size } = JSON.parse(body.toString()) as { size: number }
  if (size !== entry.bytes.length) return json(response, 400, { message: 'wrong size' })
  entry.done = ++state.count
  response.writeHead(204).end()
}

function second(
  state: State,
  { response, url, body }: Asked,
  scopes: readonly Scope[],
  method: string,
): void {
  const asked = JSON.parse(body.toString()) as {
    key: string
    version: string
    restore_keys?: string[]
    size_bytes?: number
  }
  switch (method) {
    case 'GetCacheEntryDownloadURL': {
      const found = find(state, [asked.key, ...(asked.restore_keys ?? [])], asked.version, scopes)
      if (found === undefined) return json(response, 200, { ok: false })
      const signed = signedUrl(state, url, found)
      return json(response, 200, { ok: true, signed_download_url: signed, matched_key: found.key })
    }
    case 'CreateCacheEntry': {
      const made = reserve(state, asked.key, asked.version, scopes)
      if (made !== undefined)
        return json(response, 200, { ok: true, signed_upload_url: signedUrl(state, url, made) })
      const msg = 'cache entry with the same key, version, and scope already exists'
      return json(response, 409, { code: 'already_exists', msg })
    }
    case 'FinalizeCacheEntryUpload': {
      const entry = state.entries.findLast(one => one.key === asked.key && one.version === asked.version)
      if (entry === undefined || entry.bytes.length !== asked.size_bytes)
        return json(response, 400, { code: 'invalid_argument', msg: 'wrong size' })
      entry.done = ++state.count
      return json(response, 200, { ok: true, entry_id: String(entry.done) })
    }
    default:
      return json(response, 404, { code: 'bad_route', msg: 'no such method' })
  }
}

/** A URL that needs no token, as blob storage has them. */
function signedUrl(state: State, { origin }: URL, entry: ActionsEntry): string {
  return `${origin}/blob/${state.entries.indexOf(entry) + 1}?sv=2021-12-02&sig=${state.secret}`
}

/** Blob storage: Put Blob, Put Block, Put Block List and reading, the whole or the rest. */
function storage(state: State, { request, response, url, body }: Asked): void {
  if (url.searchParams.get('sig') !== state.secret)
    return void response.writeHead(403, { 'x-ms-error-code': 'AuthenticationFailed' }).end()
  const entry = state.ids.get(url.pathname.slice('/blob/'.length))
  if (entry === undefined) return void response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end()
  if (request.method !== 'PUT') return sendRest(request, response, entry.bytes)
  const comp = url.searchParams.get('comp')
  const blocks = state.blocks.get(url.pathname) ?? new Map<string, Buffer>()
  state.blocks.set(url.pathname, blocks)
  if (comp === 'block') blocks.set(url.searchParams.get('blockid') ?? '', body)
  else if (comp === 'blocklist') {
    const ids = [...body.toString().matchAll(/<(?:Latest|Uncommitted)>([^<]+)</g)].map(([, id = '']) => id)
    const parts = ids.map(id => blocks.get(id))
    if (parts.includes(undefined))
      return void response.writeHead(400, { 'x-ms-error-code': 'InvalidBlockList' }).end()
    entry.bytes = Buffer.concat(parts as Buffer[])
  } else if (request.headers['x-ms-blob-type'] === 'BlockBlob') entry.bytes = body
  else return void response.writeHead(400, { 'x-ms-error-code': 'MissingRequiredHeader' }).end()
  response.writeHead(201, { 'x-ms-request-id': randomUUID() }).end()
}

function sendRest(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const range = request.headers['x-ms-range'] ?? request.headers.range ?? ''
  const start = Number(/^bytes=(\d+)-/.exec(String(range))?.[1] ?? 0)
  const part = bytes.subarray(start)
  const contentRange = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
  const headers = { 'content-length': part.length, 'last-modified': new Date().toUTCString(), etag: '"e"' }
  response.writeHead(range === '' ? 200 : 206, { ...headers, ...(range === '' ? {} : contentRange) })
  response.end(request.method === 'HEAD' ? undefined : part)
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
