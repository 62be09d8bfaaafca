import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { digestOf, isDigest } from '../../oci/digest.ts'
import { marshalIndex, parseManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { type RegistryAuth, RegistryGate } from './registry-auth.ts'
import { RegistryContent } from './registry-content.ts'

/** A request as faults and tests see it. */
export interface SeenRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
  /** How often this method and path were asked for before. */
  readonly before: number
}

/** What goes wrong with one request. */
export type RegistryFault =
  /** The connection is cut without an answer. */
  | { readonly kind: 'reset' }
  /** Another answer than the right one. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array
    }
  /** The right answer, cut after so many bytes of its body. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** The right answer with its body changed. */
  | { readonly kind: 'alter'; readonly body: (right: Uint8Array) => Uint8Array }
  /** The upload is cut after so many bytes have come in; they are kept. */
  | { readonly kind: 'cut-upload'; readonly after: number }
  /** Nothing happens at all. */
  | { readonly kind: 'hang' }

/** How an in-process registry behaves. */
export interface InProcessRegistryOptions {
  readonly auth?: RegistryAuth
  /** Asked for every request below /v2/, before anything else. */
  readonly fault?: (request: SeenRequest) => RegistryFault | undefined
  /** The referrers API is there. @default true */
  readonly referrersApi?: boolean
  /** Speak TLS with this certificate and key (PEM). */
  readonly tls?: {
    readonly cert: string
    readonly key: string
    readonly ca?: string
    readonly requestCert?: boolean
  }
  /** Tags in one page of a listing. */
  readonly pageSize?: number
}

/** A small registry in this process, on loopback, with everything in memory; for tests of any folder. */
export class InProcessRegistry implements AsyncDisposable {
  readonly content = new RegistryContent()
  readonly gate: RegistryGate
  /** Every request below /v2/, in order. */
  readonly requests: SeenRequest[] = []
  readonly #options: InProcessRegistryOptions
  readonly #server: http.Server | https.Server

  private constructor(options: InProcessRegistryOptions) {
    this.#options = options
    this.gate = new RegistryGate(options.auth ?? { kind: 'none' })
    const listener: http.RequestListener = (request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    }
    this.#server =
      options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener)
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async start(options: InProcessRegistryOptions = {}): Promise<InProcessRegistry> {
    const registry = new InProcessRegistry(options)
    await new Promise<void>(resolve => registry.#server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  /** `127.0.0.1:port` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests by method and a part of the path. */
  seen(method: string, part = ''): readonly SeenRequest[] {
    return this.requests.filter(r => r.method === method && r.path.includes(part))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://registry')
    if (url.pathname === '/token') return await this.gate.serve(request, response)
    const method = request.method ?? 'GET'
    const path = request.url ?? '/'
    const before = this.requests.filter(r => r.method === method && r.path === path).length
    const { authorization, range } = request.headers
    const seen: SeenRequest = { method, path, authorization, range, before }
    this.requests.push(seen)
    const exchange = new Exchange(request, response, url, this.#options.fault?.(seen))
    if (exchange.faulted()) return
    await this.#route(exchange)
  }

  async #route(exchange: Exchange): Promise<void> {
    const { method, url } = exchange
    const found = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(url.pathname)
    const [, repository = '', kind = '', rest = ''] = found ?? []
    const scope =
      found === null
        ? ''
        : `repository:${repository}:${['GET', 'HEAD'].includes(method) ? 'pull' : 'pull,push'}`
    const refusal = this.gate.refusal(exchange.request, scope)
    if (refusal !== undefined) {
      exchange.drain()
      return exchange.error(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': refusal })
    }
    if (url.pathname === '/v2/') return exchange.send(200, {}, '{}')
    if (kind === 'manifests') return await this.#manifest(exchange, repository, rest)
    if (kind === 'blobs' && rest.startsWith('uploads/')) {
      return await this.#upload(exchange, repository, rest.slice('uploads/'.length))
    }
    if (kind === 'blobs') return this.#blob(exchange, repository, rest)
    if (kind === 'tags' && rest === 'list') return this.#tags(exchange, repository)
    if (kind === 'referrers' && this.#options.referrersApi !== false) {
      return this.#referrers(exchange, repository, rest)
    }
    exchange.send(404, { 'content-type': 'text/plain' }, '404 page not found')
  }

  async #manifest(exchange: Exchange, repository: string, target: string): Promise<void> {
    if (exchange.method === 'PUT') return await this.#putManifest(exchange, repository, target)
    const found = this.content.manifest(repository, target)
    if (found === undefined) return exchange.error(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    const { digest, document } = found
    exchange.send(
      200,
      { 'content-type': document.mediaType, 'docker-content-digest': digest },
      document.bytes,
    )
  }

  async #putManifest(exchange: Exchange, repository: string, target: string): Promise<void> {
    const bytes = Buffer.concat(await exchange.receive())
    const type = exchange.request.headers['content-type'] ?? ''
    const digest = digestOf(bytes)
    if (isDigest(target) && target !== digest) return exchange.error(400, 'DIGEST_INVALID', 'digest mismatch')
    const parsed = parseManifest(bytes, type)
    const { manifests, blobs } = this.content
    const missing =
      parsed.kind === 'index'
        ? // Caches list layers in an index: those are looked for among the blobs, as docker's registry does it.
          parsed.index.manifests.some(d => {
            const name = `${repository}@${d.digest}`
            return !(/manifest|index/.test(d.mediaType) ? manifests.has(name) : blobs.has(name))
          })
        : [parsed.manifest.config, ...parsed.manifest.layers].some(
            d => !blobs.has(`${repository}@${d.digest}`),
          )
    if (missing) return exchange.error(404, 'MANIFEST_BLOB_UNKNOWN', 'manifest blob unknown to registry')
    this.content.addManifest(repository, { mediaType: type, bytes }, isDigest(target) ? undefined : target)
    const subject = (parsed.kind === 'index' ? parsed.index : parsed.manifest).subject?.digest
    const indexed = subject !== undefined && this.#options.referrersApi !== false
    exchange.send(201, { 'docker-content-digest': digest, ...(indexed ? { 'oci-subject': subject } : {}) })
  }

  #blob(exchange: Exchange, repository: string, digest: string): void {
    const bytes = this.content.blobs.get(`${repository}@${digest}`)
    if (bytes === undefined) return exchange.error(404, 'BLOB_UNKNOWN', 'blob unknown to registry')
    const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest }
    const from = /^bytes=(\d+)-$/.exec(exchange.request.headers.range ?? '')?.[1]
    if (from === undefined) return exchange.send(200, headers, bytes)
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`
    exchange.send(206, { ...headers, 'content-range': range }, bytes.subarray(Number(from)))
  }

  async #upload(exchange: Exchange, repository: string, id: string): Promise<void> {
    const { method, url } = exchange
    if (method === 'POST') {
      const from = url.searchParams.get('from')
      const mount = url.searchParams.get('mount')
      await exchange.receive()
      const source = this.content.blobs.get(`${from}@${mount}`)
      if (source !== undefined) {
        this.content.addBlob(repository, source)
        return exchange.send(201, { location: `/v2/${repository}/blobs/${mount}` })
      }
      const fresh = crypto.randomUUID()
      this.content.uploads.set(fresh, { repository, chunks: [] })
      return exchange.send(202, { location: `/v2/${repository}/blobs/uploads/${fresh}` })
    }
    const upload = this.content.uploads.get(id)
    if (upload?.repository !== repository) {
      exchange.drain()
      return exchange.error(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
    }
    const complete = await exchange.receiveInto(upload.chunks)
    if (!complete) return
    const size = upload.chunks.reduce((sum, c) => sum + c.length, 0)
    const state = { location: url.pathname, range: `0-${Math.max(0, size - 1)}` }
    if (method === 'GET') return exchange.send(204, state)
    if (method === 'PATCH') return exchange.send(202, state)
    const bytes = Buffer.concat(upload.chunks)
    const digest = digestOf(bytes)
    this.content.uploads.delete(id)
    if (url.searchParams.get('digest') !== digest) {
      return exchange.error(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
    }
    this.content.addBlob(repository, bytes)
    exchange.send(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
  }

  #tags(exchange: Exchange, repository: string): void {
    const all = this.content.tagsOf(repository)
    if (all.length === 0) return exchange.error(404, 'NAME_UNKNOWN', 'repository name not known to registry')
    const last = exchange.url.searchParams.get('last') ?? ''
    const rest = all.filter(tag => tag > last)
    const tags = rest.slice(0, this.#options.pageSize ?? rest.length)
    const link = `</v2/${repository}/tags/list?last=${tags.at(-1)}>; rel="next"`
    const headers = { 'content-type': 'application/json', ...(tags.length < rest.length ? { link } : {}) }
    exchange.send(200, headers, JSON.stringify({ name: repository, tags }))
  }

  #referrers(exchange: Exchange, repository: string, subject: string): void {
    const types = exchange.url.searchParams.getAll('artifactType')
    const manifests = this.content
      .referrersOf(repository, subject as ReturnType<typeof digestOf>)
      .filter(d => types.length === 0 || types.includes(d.artifactType ?? ''))
    const body = marshalIndex({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests })
    exchange.send(200, { 'content-type': mediaType.ociIndex, 'oci-filters-applied': 'artifactType' }, body)
  }
}

/** One request and its answer, with what is to go wrong. */
class Exchange {
  readonly request: http.IncomingMessage
  readonly method: string
  readonly url: URL
  readonly #response: http.ServerResponse
  readonly #fault: RegistryFault | undefined

  constructor(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    url: URL,
    fault: RegistryFault | undefined,
  ) {
    this.request = request
    this.method = request.method ?? 'GET'
    this.url = url
    this.#response = response
    this.#fault = fault
  }

  /** Carries out the faults that replace the answer. */
  faulted(): boolean {
    const fault = this.#fault
    if (fault?.kind === 'reset') this.request.socket.destroy()
    else if (fault?.kind === 'answer') {
      this.drain()
      this.#response.writeHead(fault.status, fault.headers).end(fault.body)
    } else if (fault?.kind !== 'hang') return false
    return true
  }

  drain(): void {
    this.request.resume()
  }

  async receive(): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = []
    await this.receiveInto(chunks)
    return chunks
  }

  /** False where the connection was cut on the way. */
  async receiveInto(chunks: Uint8Array[]): Promise<boolean> {
    const limit = this.#fault?.kind === 'cut-upload' ? this.#fault.after : Number.POSITIVE_INFINITY
    let size = 0
    for await (const chunk of this.request as AsyncIterable<Uint8Array>) {
      chunks.push(chunk.subarray(0, limit - size))
      size += chunk.length
      if (size >= limit) {
        this.request.socket.destroy()
        return false
      }
    }
    return true
  }

  error(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): void {
    const body = JSON.stringify({ errors: [{ code, message, detail: null }] })
    this.send(status, { 'content-type': 'application/json', ...headers }, body)
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array = ''): void {
    const right = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const bytes = this.#fault?.kind === 'alter' ? this.#fault.body(right) : right
    this.#response.writeHead(status, {
      ...headers,
      ...(status === 204 ? {} : { 'content-length': bytes.length }),
    })
    if (this.#fault?.kind !== 'truncate')
      return void this.#response.end(this.method === 'HEAD' ? undefined : bytes)
    this.#response.write(bytes.subarray(0, this.#fault.after), () => this.request.socket.destroy())
  }
}
