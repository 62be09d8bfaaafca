import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { spawn } from 'node:child_process'
import { kubeDiscovery } from './kube-discovery.ts'
import { withoutEmpty } from './docker-api.ts'
import { isKubeProtobuf, readKubeProtobuf } from './kube-protobuf.ts'
import { type Serve, startServe } from './serve.ts'

const root = join(import.meta.dirname, '..', '..')

/** An object as the API keeps it. */
interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    uid?: string
    resourceVersion?: string
  }
  spec?: {
    replicas?: number
    selector?: { matchLabels: Record<string, string> }
    template?: {
      metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
      spec: { containers: { name: string; image: string }[] }
    }
  }
  status?: Record<string, unknown>
}

/** A small Kubernetes API server whose pods are daemons on this machine. */
export interface KubeApi extends AsyncDisposable {
  /** File for KUBECONFIG. */
  readonly kubeconfig: string
  /** `http://…` or `https://…`. */
  readonly address: string
  /** Objects by `kind/name`, as they were created. */
  readonly objects: ReadonlyMap<string, KubeObject>
  /** Requests so far: method and path. */
  readonly requests: readonly string[]
  /** Names of the pods in which commands were run, in order. */
  readonly execs: readonly string[]
  /** What was made, replaced and removed, in order: `POST kind/name` and the object without what is empty. */
  readonly changes: readonly (readonly [string, unknown])[]
  /** Ends a pod's daemon; its workload does not start another. */
  kill(pod: string): void
}

/** What to start. */
export interface KubeApiOptions {
  /** Scratch folder: short, since sockets lie in it. */
  readonly dir: string
  /** Ask for this bearer token. */
  readonly token?: string
  /** Certificate of the server; `ca` is the one that clients are to trust. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer }
  /** Sub-protocols of exec that are spoken; the first that the client offers too is taken. */
  readonly protocols?: readonly string[]
  /** Pods stay pending, with this reason. */
  readonly stuck?: string
  /** Pods count as running but nothing runs in them. */
  readonly idle?: boolean
}

/**
 * Starts an API server on loopback with the parts of the real wire formats that builders use: REST of config maps,
 * deployments, stateful sets and pods, label and field selectors, watches, and exec over WebSocket (v4 and v5 channels). A
 * workload's pods are `slipway serve` processes; exec runs `buildctl` against the pod's own.
 */
export async function startKubeApi(options: KubeApiOptions): Promise<KubeApi> {
  const server = new FakeCluster(options)
  await server.listen()
  return server
}

class FakeCluster implements KubeApi {
  readonly objects = new Map<string, KubeObject>()
  readonly requests: string[] = []
  readonly execs: string[] = []
  readonly changes: [string, unknown][] = []
  readonly kubeconfig: string
  address = ''
  readonly #options: KubeApiOptions
  readonly #pods = new Map<string, { readonly object: KubeObject; readonly serve: Serve | undefined }>()
  readonly #watchers = new Set<(kind: string, type: string, object: KubeObject) => void>()
  readonly #server: Server
  #version = 1

  constructor(options: KubeApiOptions) {
    this.#options = options
    this.kubeconfig = join(options.dir, 'kubeconfig')
    const { tls } = options
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response)
    this.#server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer)
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex) => this.#exec(request, socket))
  }

  async listen(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    this.address = `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    const ca = this.#options.tls?.ca
    const trust = ca === undefined ? {} : { 'certificate-authority-data': ca.toString('base64') }
    const user = this.#options.token === undefined ? {} : { token: this.#options.token }
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: this.address, ...trust } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'builds' } }],
      'current-context': 'x',
    }
    await mkdir(this.#options.dir, { recursive: true })
    await writeFile(this.kubeconfig, JSON.stringify(config))
  }

  kill(pod: string): void {
    const found = this.#pods.get(pod)
    if (found?.serve !== undefined) process.kill(found.serve.pid, 'SIGKILL')
    this.#pods.delete(pod)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const { serve } of this.#pods.values()) await serve?.[Symbol.asyncDispose]()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://localhost')
    this.requests.push(`${request.method} ${url.pathname}${url.searchParams.has('watch') ? '?watch' : ''}`)
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const fail = (code: number, reason: string, message: string): void =>
      send(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })
    if (!this.#allows(request)) return fail(401, 'Unauthorized', 'Unauthorized')
    const known = kubeDiscovery[url.pathname]
    if (known !== undefined) return send(200, known)
    const found =
      /^\/(?:api\/v1|apis\/apps\/v1)\/namespaces\/builds\/(configmaps|deployments|statefulsets|pods)(?:\/([^/]+))?$/.exec(
        url.pathname,
      )
    if (found === null) return fail(404, 'NotFound', 'the server could not find the requested resource')
    const [, kind = '', name] = found
    if (kind === 'pods' && name !== undefined) {
      const pod = this.#pods.get(name)
      return pod === undefined ? fail(404, 'NotFound', `pods "${name}" not found`) : send(200, pod.object)
    }
    if (kind === 'pods')
      return send(200, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#podList(url) })
    if (url.searchParams.get('watch') === 'true') return this.#watch(kind, url, request, response)
    const body = request.method === 'POST' || request.method === 'PUT' ? await readJson(request) : undefined
    const key = `${kind}/${name ?? body?.metadata.name}`
    const there = this.objects.get(key)
    if (request.method !== 'GET') this.changes.push([`${request.method} ${key}`, withoutEmpty(body ?? {})])
    if (body !== undefined) {
      if (request.method === 'POST' && there !== undefined)
        return fail(409, 'AlreadyExists', `${kind} "${body.metadata.name}" already exists`)
      const object = {
        ...body,
        metadata: { ...body.metadata, uid: `uid-${key}`, resourceVersion: String(this.#version++) },
      }
      this.objects.set(key, object)
      send(request.method === 'POST' ? 201 : 200, object)
      if (kind !== 'configmaps' && there === undefined) await this.#schedule(kind, object)
      return
    }
    if (there === undefined) return fail(404, 'NotFound', `${kind}.apps "${name}" not found`)
    if (request.method === 'DELETE') {
      this.objects.delete(key)
      send(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
      for (const pod of [...this.#pods.keys()].filter(one => one.startsWith(`${name}-`))) {
        await this.#pods.get(pod)?.serve?.[Symbol.asyncDispose]()
        this.#pods.delete(pod)
      }
      return
    }
    send(200, there)
  }

  #allows(request: IncomingMessage): boolean {
    const { token } = this.#options
    return token === undefined || request.headers.authorization === `Bearer ${token}`
  }

  #podList(url: URL): KubeObject[] {
    const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').map(pair => pair.split('='))
    return [...this.#pods.values()]
      .map(({ object }) => object)
      .filter(({ metadata }) => wanted.every(([key = '', value]) => metadata.labels?.[key] === value))
  }

  #watch(kind: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
    const name = /^metadata\.name=(.+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1]
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const watcher = (of: string, type: string, object: KubeObject): void => {
      if (of === kind && object.metadata.name === name)
        response.write(`${JSON.stringify({ type, object })}\n`)
    }
    // Without the version that is known already a watch begins with what is there; with an older one, with what came since.
    const since = url.searchParams.get('resourceVersion') ?? ''
    const there = name === undefined ? undefined : this.objects.get(`${kind}/${name}`)
    if (there !== undefined && there.metadata.resourceVersion !== since)
      watcher(kind, since === '' ? 'ADDED' : 'MODIFIED', there)
    this.#watchers.add(watcher)
    request.once('close', () => this.#watchers.delete(watcher))
    response.once('close', () => this.#watchers.delete(watcher))
  }

  async #schedule(kind: string, object: KubeObject): Promise<void> {
    const { dir, stuck, idle } = this.#options
    const { template } = object.spec ?? {}
    for (let i = 0; i < (object.spec?.replicas ?? 1); i++) {
      const name = `${object.metadata.name}-${kind === 'statefulsets' ? i : createHash('sha256').update(`${i}`).digest('hex').slice(0, 5)}`
      const isServed = stuck === undefined && idle !== true
      const serve = isServed ? await startServe({ dir, name: `p${this.#pods.size}` }) : undefined
      const pod: KubeObject = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'builds', ...template?.metadata },
        spec: { ...template?.spec } as NonNullable<KubeObject['spec']>,
        status:
          stuck === undefined
            ? { phase: 'Running' }
            : {
                phase: 'Pending',
                containerStatuses: [{ state: { waiting: { reason: stuck, message: 'no such image' } } }],
              },
      }
      this.#pods.set(name, { object: pod, serve })
    }
    if (stuck !== undefined) return
    object.status = { replicas: object.spec?.replicas ?? 1, readyReplicas: object.spec?.replicas ?? 1 }
    object.metadata.resourceVersion = String(this.#version++)
    for (const watcher of this.#watchers) watcher(kind, 'MODIFIED', object)
  }

  #exec(request: IncomingMessage, socket: Duplex): void {
    socket.on('error', () => {})
    const url = new URL(request.url ?? '', 'http://localhost')
    const name = /^\/api\/v1\/namespaces\/builds\/pods\/([^/]+)\/exec$/.exec(url.pathname)?.[1] ?? ''
    const pod = this.#pods.get(name)
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/, */)
    const protocol = (this.#options.protocols ?? ['v5.channel.k8s.io', 'v4.channel.k8s.io']).find(one =>
      offered.includes(one),
    )
    if (pod?.serve === undefined || protocol === undefined || !this.#allows(request)) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      return
    }
    this.execs.push(name)
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    )
    runInPod(socket, url.searchParams.getAll('command'), pod.serve.address, protocol.startsWith('v5'))
  }
}

/** Channels of exec: 0 standard input, 1 output, 2 errors, 3 the end; v5 adds 255, which closes one of them. */
function runInPod(socket: Duplex, command: readonly string[], address: string, closes: boolean): void {
  const [program = '', ...args] = command
  const main = join(root, 'src', 'cli', 'main.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...process.env, SLIPWAY_ARGV0: program, BUILDKIT_HOST: address },
    stdio: 'pipe',
  })
  const send = (channel: number, data: Uint8Array): void => {
    if (!socket.destroyed) socket.write(frame(Buffer.concat([Buffer.from([channel]), data])))
  }
  child.stdout.on('data', (data: Buffer) => send(1, data))
  child.stderr.on('data', (data: Buffer) => send(2, data))
  child.stdin.on('error', () => {})
  child.once('close', code => {
    const status =
      code === 0
        ? { status: 'Success' }
        : { status: 'Failure', message: `command terminated with exit code ${code}` }
    send(3, Buffer.from(JSON.stringify({ metadata: {}, ...status })))
    socket.end(Buffer.from([0x88, 0]))
  })
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data])
    for (let message = takeFrame(pending); message !== undefined; message = takeFrame(pending)) {
      pending = message.rest
      const { opcode, payload } = message
      if (opcode === 8) child.kill()
      else if (opcode === 2 || opcode === 1) {
        if (payload[0] === 0) child.stdin.write(payload.subarray(1))
        else if (closes && payload[0] === 255 && payload[1] === 0) child.stdin.end()
      }
    }
  })
  socket.on('error', () => {})
  // A client that is killed says no more than this.
  socket.once('end', () => void child.kill())
  socket.once('close', () => void child.kill())
}

/** A binary message as one unmasked frame. https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
function frame(payload: Buffer): Buffer {
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([0x82, length]), payload])
  const head = Buffer.alloc(length < 65_536 ? 4 : 10)
  head[0] = 0x82
  if (length < 65_536) {
    head[1] = 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, payload])
}

/** The first whole frame of a client, unmasked. */
function takeFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined
  let length = (bytes[1] ?? 0) & 0x7f
  let at = 2
  if (length === 126) {
    if (bytes.length < 4) return undefined
    length = bytes.readUInt16BE(2)
    at = 4
  } else if (length === 127) {
    if (bytes.length < 10) return undefined
    length = Number(bytes.readBigUInt64BE(2))
    at = 10
  }
  if (bytes.length < at + 4 + length) return undefined
  const mask = bytes.subarray(at, at + 4)
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length))
  for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0)
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, rest: bytes.subarray(at + 4 + length) }
}

async function readJson(request: IncomingMessage): Promise<KubeObject> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  return (
    isKubeProtobuf(request.headers['content-type'])
      ? readKubeProtobuf(body)
      : JSON.parse(body.toString('utf8'))
  ) as KubeObject
}
