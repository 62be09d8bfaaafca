import http from 'node:http'
import https from 'node:https'
import { abortError, throwIfAborted } from '../../async/abort.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import type { TlsSettings } from '../registry-host.ts'
import { proxyFor } from './proxy-for.ts'
import { sendBody } from './send-body.ts'
import { NodeResponse } from './node-response.ts'
import { type CertificateFiles, type TrustStore, tlsContext } from './tls-context.ts'
import type { HttpRequest, HttpResponse, Transport } from './transport.ts'
import { classify, transportError } from './transport-error.ts'

/** Values of the usual variables; which addresses go through which proxy. Read by the caller. */
export interface ProxySettings {
  readonly HTTP_PROXY?: string
  readonly HTTPS_PROXY?: string
  readonly NO_PROXY?: string
}

/** Times in milliseconds. */
export interface NodeTransportOptions {
  readonly proxy?: ProxySettings
  /** Connections to one host at most. @default 16 */
  readonly maxSockets?: number
  /** Until a connection stands. @default 30000 */
  readonly connectTimeout?: number
  /** From the end of the request until the answer begins. @default 300000 */
  readonly answerTimeout?: number
  /** Without a byte while one is waited for. @default 120000 */
  readonly idleTimeout?: number
  /** Certificates and keys that settings name but that are not on this disk. */
  readonly files?: CertificateFiles
}

const plainTls: TlsSettings = { insecure: false, ca: [], keypair: [], directories: [] }

/**
 * `Transport` on Node's own HTTP and HTTPS, with connections kept open between requests. Certificates are checked
 * against the authorities that come with Node and, where those do not know the issuer, against the system's.
 */
export class NodeTransport implements Transport {
  readonly #options: Required<NodeTransportOptions>
  /** By proxy, empty for none. */
  readonly #plain = new Map<string, http.Agent>()
  readonly #secure = new Map<string, Promise<https.Agent>>()
  /** Hosts whose certificate only the system's authorities vouch for. */
  readonly #systemTrust = new Set<string>()

  constructor(options: NodeTransportOptions = {}) {
    const { proxy = {}, maxSockets = 16, connectTimeout = 30_000 } = options
    const { answerTimeout = 300_000, idleTimeout = 120_000, files = {} } = options
    this.#options = { proxy, maxSockets, connectTimeout, answerTimeout, idleTimeout, files }
  }

  /** Made when it is first needed: most builds that find all in their cache never ask a registry. */
  #plainAgent(proxy: string | undefined): http.Agent {
    const known = this.#plain.get(proxy ?? '')
    if (known !== undefined) return known
    const agent = new http.Agent(this.#agentOptions(proxy))
    this.#plain.set(proxy ?? '', agent)
    return agent
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    throwIfAborted(request.signal)
    const { host, protocol } = request.url
    const trust: TrustStore = this.#systemTrust.has(host) ? 'system' : 'bundled'
    try {
      return await this.#try(request, trust)
    } catch (error) {
      const unknownIssuer = protocol === 'https:' && trust === 'bundled' && classify(error) === 'certificate'
      if (!unknownIssuer) throw this.#toError(request, error)
    }
    try {
      const response = await this.#try(request, 'system')
      this.#systemTrust.add(host)
      return response
    } catch (error) {
      throw this.#toError(request, error)
    }
  }

  [Symbol.dispose](): void {
    for (const agent of this.#plain.values()) agent.destroy()
    for (const agent of this.#secure.values()) {
      agent.then(
        a => a.destroy(),
        () => {},
      )
    }
  }

  /**
   * Once more where a kept connection turned out to be closed by the server in the meantime. Not with content: part of
   * it may have arrived, and an upload is no place to send it twice.
   */
  async #try(request: HttpRequest, trust: TrustStore): Promise<HttpResponse> {
    const proxy = proxyFor(request.url, this.#options.proxy)
    const agent =
      request.url.protocol === 'https:'
        ? await this.#agent(request.tls ?? plainTls, trust, proxy)
        : this.#plainAgent(proxy)
    for (;;) {
      const sent = exchange(request, agent, this.#options)
      try {
        return new NodeResponse(request, await sent.answer, sent.request, this.#options.idleTimeout)
      } catch (error) {
        const stale = sent.request.reusedSocket && ['reset', 'eof'].includes(classify(error))
        if (!stale || (request.body?.size ?? 0) > 0 || isSlipwayError(error)) throw error
        throwIfAborted(request.signal)
      }
    }
  }

  #agent(settings: TlsSettings, trust: TrustStore, proxy: string | undefined): Promise<https.Agent> {
    const key = JSON.stringify([settings, trust, proxy])
    const known = this.#secure.get(key)
    if (known !== undefined) return known
    const agent = tlsContext(settings, trust, this.#options.files).then(
      secureContext =>
        new https.Agent({
          ...this.#agentOptions(proxy),
          rejectUnauthorized: !settings.insecure,
          ...(secureContext === undefined ? {} : { secureContext }),
        }),
    )
    this.#secure.set(key, agent)
    agent.catch(() => this.#secure.delete(key))
    return agent
  }

  #agentOptions(proxy: string | undefined): http.AgentOptions {
    const proxyEnv = proxy === undefined ? {} : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }
    return { keepAlive: true, maxSockets: this.#options.maxSockets, proxyEnv }
  }

  #toError(request: HttpRequest, error: unknown): Error {
    if (request.signal?.aborted) return abortError(request.signal)
    return isSlipwayError(error) ? error : transportError(request.method, request.url, error)
  }
}

function exchange(
  request: HttpRequest,
  agent: http.Agent,
  times: Required<NodeTransportOptions>,
): { readonly request: http.ClientRequest; readonly answer: Promise<http.IncomingMessage> } {
  const { method, url, body, signal } = request
  const headers = {
    ...request.headers,
    ...(body === undefined ? {} : { 'content-length': String(body.size) }),
  }
  const send = url.protocol === 'https:' ? https.request : http.request
  const out = send(url, { method, headers, agent, ...(signal === undefined ? {} : { signal }) })
  const answer = Promise.withResolvers<http.IncomingMessage>()
  const timeout = (what: string): void => void out.destroy(timedOut(what))
  const timers = new Set<NodeJS.Timeout>()
  let over = false
  const arm = (ms: number, what: string): NodeJS.Timeout | undefined => {
    // An early answer may well come before the request counts as finished.
    if (over) return undefined
    const timer = setTimeout(timeout, ms, what)
    timers.add(timer)
    return timer
  }
  const disarm = (): void => {
    over = true
    for (const timer of timers) clearTimeout(timer)
  }
  out.on('socket', socket => {
    if (!socket.connecting) return
    const timer = arm(times.connectTimeout, 'connecting')
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(timer))
  })
  out.on('finish', () => void arm(times.answerTimeout, 'awaiting the answer'))
  out.on('error', answer.reject)
  out.on('response', message => {
    disarm()
    answer.resolve(message)
  })
  out.on('close', () => {
    disarm()
    answer.reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
  })
  if (body === undefined) out.end()
  else void sendBody(out, body, { idleTimeout: times.idleTimeout })
  return { request: out, answer: answer.promise }
}

function timedOut(what: string): Error {
  return Object.assign(new Error(`timeout while ${what}`), { code: 'ETIMEDOUT' })
}
