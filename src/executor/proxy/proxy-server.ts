import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as sendRequest,
  type RequestOptions,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Egress } from './egress.ts'
import type { ProxyAuthority } from './proxy-authority.ts'
import type { ProxyLog } from './proxy-log.ts'
import { plainUrl } from './proxy-log.ts'

/** What the requests of a container are held against, and where they are written down. */
export interface ProxySettings {
  /** The URL that is fetched in place of this one; the same where it stays. Throws where it must not be. */
  readonly check?: (url: string) => Promise<string>
  readonly log: ProxyLog
}

/** What a proxy needs. */
export interface ProxyServerOptions extends ProxySettings {
  readonly authority: ProxyAuthority
  readonly egress: Egress
  /** What servers are believed by. */
  readonly trust: () => SecureContext
}

/** Headers between two neighbours, and what would keep us from seeing what is fetched. */
const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A proxy for HTTP and HTTPS that sees all that is asked for: where a client wants a tunnel, it answers as the server.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/docs/proxy.md
 */
export class ProxyServer implements AsyncDisposable {
  readonly #options: ProxyServerOptions
  readonly #outer: Server
  /** Never listens: it is given the insides of tunnels. */
  readonly #inner: Server
  readonly #agents: { readonly http: Agent; readonly https: Agent }
  /** Where the client of a tunnel believes to be. */
  readonly #tunnels = new WeakMap<object, string>()
  readonly #sockets = new Set<Duplex>()

  constructor(options: ProxyServerOptions) {
    this.#options = options
    const { egress, trust } = options
    this.#agents = {
      http: agent((host, port) => egress.dial(host, port)),
      https: agent(async (host, port) => secured(await egress.dial(host, port), host, trust())),
    }
    this.#outer = this.#server(request => {
      const url = request.url ?? ''
      return /^https?:\/\//.test(url) ? url : `http://${request.headers.host ?? ''}${url}`
    })
    this.#outer.on('connect', (request, socket, head) => this.#tunnel(request.url ?? '', socket, head))
    this.#inner = this.#server(
      request => `https://${this.#tunnels.get(request.socket) ?? ''}${request.url ?? ''}`,
    )
  }

  /** Serves a socket that is bound, by its descriptor, or a port of this machine; answers the port. */
  async listen(
    where: { readonly fd: number } | { readonly host: string; readonly port: number },
  ): Promise<number> {
    this.#outer.listen(where)
    await once(this.#outer, 'listening')
    return (this.#outer.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>(resolve => this.#outer.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    for (const one of Object.values(this.#agents)) one.destroy()
    await closed
  }

  #server(urlOf: (request: IncomingMessage) => string): Server {
    const server = createServer((request, response) => {
      response.sendDate = false // the server's own is passed on
      this.#forward(request, response, urlOf(request)).catch(() => response.destroy())
    })
    server.requestTimeout = 0
    // A client that has said all (busybox) still waits for its answer. Not in Node's documentation, but of old.
    Object.assign(server, { httpAllowHalfOpen: true })
    server.on('connection', socket => this.#track(socket))
    server.on('clientError', (_, socket) => socket.destroy())
    return server
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #tunnel(target: string, socket: Duplex, head: Buffer): void {
    this.#track(socket)
    const host = /^\[([^\]]*)\]|^[^:]*/.exec(target)
    const secureContext = this.#options.authority.contextFor(host?.[1] ?? host?.[0] ?? '')
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    const inside = new TLSSocket(socket as Socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
    })
    this.#tunnels.set(inside, target.replace(/:443$/, ''))
    this.#inner.emit('connection', inside)
  }

  async #forward(request: IncomingMessage, response: ServerResponse, asked: string): Promise<void> {
    const method = request.method ?? 'GET'
    const { log } = this.#options
    let url: string
    try {
      url = await this.#allowed(method, asked)
    } catch {
      return refuse(response, 403, 'Forbidden')
    }
    let answer: IncomingMessage
    try {
      answer = await this.#send(request, method, url, url === asked)
    } catch (error) {
      log.addRequest(method, url, 502)
      log.addUnknown(method, url, 'upstream_error')
      return refuse(response, 502, error instanceof Error ? error.message : String(error))
    }
    const status = answer.statusCode ?? 502
    const { location } = answer.headers
    log.addRequest(method, url, status, location === undefined ? undefined : resolveUrl(location, url))
    response.writeHead(status, answer.statusMessage ?? '', passedHeaders(answer.rawHeaders))
    const hash = createHash('sha256')
    const whole = await copyBody(answer, response, chunk => hash.update(chunk))
    const reason = whyUnknown(request, method, status, whole)
    if (reason !== undefined) log.addUnknown(method, url, reason)
    else if (status >= 200 && status < 300) log.addFetched(url, hash.digest('hex'))
  }

  async #allowed(method: string, asked: string): Promise<string> {
    const { check } = this.#options
    if (check === undefined) return asked
    const shown = plainUrl(asked)
    const url = await check(shown)
    if (url === shown) return asked
    if (method !== 'GET' || !/^https?:\/\//.test(url))
      throw new SlipwayError('permission-denied', `${method} ${shown} cannot be converted to ${url}`)
    return url
  }

  async #send(
    request: IncomingMessage,
    method: string,
    url: string,
    isSame: boolean,
  ): Promise<IncomingMessage> {
    const { protocol, hostname, port, pathname, search, host } = new URL(url)
    const secure = protocol === 'https:'
    const headers = passedHeaders(request.rawHeaders, ['accept-encoding', 'host'])
    const ask = (): ClientRequest =>
      sendRequest({
        method,
        // Not the URL's own form of it: what is asked for may be signed.
        path: isSame ? pathOf(url) : `${pathname}${search}`,
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (secure ? 443 : 80) : Number(port),
        // What was allowed is what the URL names.
        headers: ['Host', host, ...headers],
        setHost: false,
        agent: secure ? this.#agents.https : this.#agents.http,
      })
    if (hasBody(request)) {
      const upstream = ask()
      const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
      pipeline(request, upstream).catch(() => upstream.destroy())
      const [answer] = await answered
      // A server may answer before it has read everything, and break off.
      upstream.on('error', () => {})
      return answer
    }
    for (;;) {
      const upstream = ask().end()
      try {
        const [answer] = (await once(upstream, 'response')) as [IncomingMessage]
        return answer
      } catch (error) {
        // The server may have closed a connection that was kept, just when it was used again.
        if (!upstream.reusedSocket || !safeMethods.has(method)) throw error
      }
    }
  }
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Keeps connections for the requests to come, which it makes by `dial`. */
function agent(dial: (host: string, port: number) => Promise<Duplex>): Agent {
  const made = new Agent({ keepAlive: true, maxSockets: 64 })
  made.createConnection = (options: RequestOptions, done?: (error: Error | null, socket: Duplex) => void) => {
    dial(options.host ?? '', Number(options.port)).then(
      socket => done?.(null, socket),
      (error: Error) => done?.(error, undefined as never),
    )
    return undefined
  }
  return made
}

async function secured(socket: Socket, host: string, secureContext: SecureContext): Promise<Duplex> {
  const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host }
  const secure = connectTls({ socket, host, ...name, secureContext, ALPNProtocols: ['http/1.1'] })
  try {
    await once(secure, 'secureConnect')
    return secure
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function refuse(response: ServerResponse, status: number, words: string): void {
  const body = `${words}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  })
  response.end(body)
}

/** Names and values by turns, without those that are not for the other side. */
function passedHeaders(raw: readonly string[], more: readonly string[] = []): string[] {
  const passed: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2)
    if (!hopHeaders.has(name.toLowerCase()) && !more.includes(name.toLowerCase())) passed.push(name, value)
  }
  return passed
}

const pathOf = (url: string): string => {
  const path = url.replace(/^https?:\/\/[^/?#]*/, '').replace(/#.*$/s, '')
  return path.startsWith('/') ? path : `/${path}`
}

function resolveUrl(location: string, base: string): string {
  return URL.canParse(location, base) ? new URL(location, base).href : location
}

/** Whether all of it came and went. */
async function copyBody(
  from: IncomingMessage,
  to: ServerResponse,
  see: (chunk: Uint8Array) => void,
): Promise<boolean> {
  const seen = new Transform({
    transform(chunk: Buffer, _, done) {
      see(chunk)
      done(null, chunk)
    },
  })
  try {
    await pipeline(from, seen, to)
    return true
  } catch {
    to.destroy()
    return false
  }
}

function whyUnknown(
  request: IncomingMessage,
  method: string,
  status: number,
  whole: boolean,
): string | undefined {
  if (method !== 'GET') return 'method_not_materializable'
  if (request.headers.range !== undefined || status === 206) return 'partial_response'
  if (!whole) return 'body_read_failed'
  return status >= 400 ? 'unsuccessful_response' : undefined
}
