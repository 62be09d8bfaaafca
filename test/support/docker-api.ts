import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { readTar } from '../../src/tar/read-tar.ts'
import { type FakeDaemonOptions, serveFakeDaemon } from './fake-daemon.ts'

/** A request that changes something, as the API heard it. */
export interface DockerCall {
  readonly method: string
  /** Without the version in front. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** JSON without what is empty, or the entries of an archive. */
  readonly body?: unknown
}

/** What to serve. */
export interface DockerApiOptions {
  /** Of the daemon that answers `POST /grpc`, and of those in containers. */
  readonly daemon: FakeDaemonOptions
  /** Undefined: the daemon is too old for BuildKit. */
  readonly hasBuildkit?: boolean
  readonly info?: Readonly<Record<string, unknown>>
  readonly version?: string
  /** Images that are there without being pulled. */
  readonly images?: readonly string[]
  /** Images are told with their descriptors, as by containerd's store. */
  readonly describesImages?: boolean
  /** The daemon's BuildKit does not tell its version. */
  readonly isSilent?: boolean
  /** Containers that are there, and whether they run. */
  readonly containers?: Readonly<Record<string, boolean>>
  /** Containers can be given GPUs. */
  readonly gpus?: boolean
}

/** The API of a docker daemon without a docker behind it: what drivers call, with answers of the real wire format. */
export interface FakeDockerApi extends AsyncDisposable {
  /** Changes asked for since the last look. */
  takeCalls(): DockerCall[]
}

/** Listens on a unix socket. */
export async function startDockerApi(path: string, options: DockerApiOptions): Promise<FakeDockerApi> {
  const api = new FakeDocker(options)
  await api.listen(path)
  return api
}

interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly raw?: Buffer
}

const notFound = (message: string): Answer => ({ status: 404, json: { message } })

class FakeDocker implements FakeDockerApi {
  readonly #options: DockerApiOptions
  readonly #containers: Map<string, boolean>
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #execs = new Map<string, readonly string[]>()
  #calls: DockerCall[] = []

  constructor(options: DockerApiOptions) {
    this.#options = options
    this.#containers = new Map(Object.entries(options.containers ?? {}))
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head).catch(() => socket.destroy())
    })
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(path, resolve))
  }

  takeCalls(): DockerCall[] {
    const calls = this.#calls
    this.#calls = []
    return calls
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://docker')
    const path = url.pathname.replace(/^\/v1\.\d+/, '')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const method = request.method ?? ''
    const answer = this.#answer(method, path, url.searchParams, body)
    if (!['GET', 'HEAD'].includes(method) && !path.includes('/exec') && !isProbe(path, url))
      await this.#note(method, path, url.searchParams, body, request.headers['content-type'])
    response.writeHead(answer.status, {
      'api-version': '1.45',
      ostype: 'linux',
      'docker-experimental': 'false',
      ...(answer.raw === undefined ? { 'content-type': 'application/json' } : {}),
    })
    if (method === 'HEAD' || answer.status === 204) response.end()
    else response.end(answer.raw ?? JSON.stringify(answer.json ?? {}))
  }

  async #note(
    method: string,
    path: string,
    params: URLSearchParams,
    body: Buffer,
    type: string | undefined,
  ): Promise<void> {
    const query = Object.fromEntries(
      [...params].filter(([, value]) => value !== '').toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
    const said =
      body.length === 0
        ? undefined
        : type === 'application/json'
          ? withoutEmpty(JSON.parse(body.toString('utf8')))
          : path.endsWith('/archive')
            ? await entriesOf(body)
            : undefined
    this.#calls.push({
      method,
      path,
      ...(Object.keys(query).length === 0 ? {} : { query }),
      ...(said === undefined ? {} : { body: said }),
    })
  }

  #answer(method: string, path: string, params: URLSearchParams, body: Buffer): Answer {
    const { version = '26.1.5+dfsg1', info = {}, images = [] } = this.#options
    if (path === '/_ping') return { status: 200, raw: Buffer.from('OK') }
    if (path === '/version')
      return { status: 200, json: { Version: version, ApiVersion: '1.45', Os: 'linux' } }
    if (path === '/info') {
      const usual = { CgroupDriver: 'cgroupfs', OSType: 'linux', Architecture: 'x86_64', SecurityOptions: [] }
      return { status: 200, json: { ...usual, ...info } }
    }
    const image = /^\/images\/(.+)\/json$/.exec(path)?.[1]
    if (image !== undefined) {
      const found = images.includes(decodeURIComponent(image))
      const digest = `sha256:${'0'.repeat(64)}`
      const known = this.#options.describesImages === true ? { Descriptor: { digest } } : {}
      return found ? { status: 200, json: { Id: digest, ...known } } : notFound(`No such image: ${image}`)
    }
    if (path === '/images/create') {
      const name = `${params.get('fromImage')}:${params.get('tag')}`
      if (name.startsWith('good.example/')) return { status: 200, raw: Buffer.from('{"status":"Pulled"}\n') }
      return notFound(`pull access denied for ${params.get('fromImage')}`)
    }
    if (path.startsWith('/volumes/')) return { status: 204 }
    return this.#container(method, path, params, body)
  }

  #container(method: string, path: string, params: URLSearchParams, body: Buffer): Answer {
    if (path === '/containers/create') {
      const name = params.get('name') ?? 'probe'
      if (this.#containers.has(name)) return { status: 409, json: { message: `name ${name} is in use` } }
      if (name !== 'probe') this.#containers.set(name, false)
      return { status: 201, json: { Id: name, Warnings: [] } }
    }
    const exec = /^\/exec\/([^/]+)\/json$/.exec(path)?.[1]
    if (exec !== undefined) return { status: 200, json: { ID: exec, Running: false, ExitCode: 0 } }
    const [, name = '', action = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
    if (name === 'probe') {
      const able = this.#options.gpus === true
      return able || method === 'DELETE' ? { status: 204 } : { status: 500, json: { message: 'no gpu' } }
    }
    const isRunning = this.#containers.get(name)
    if (isRunning === undefined) return notFound(`No such container: ${name}`)
    if (method === 'DELETE') {
      this.#containers.delete(name)
      return { status: 204 }
    }
    switch (action) {
      case 'json':
        return {
          status: 200,
          json: {
            Id: name,
            State: { Running: isRunning },
            Mounts: [{ Type: 'volume', Name: `${name}_state`, Destination: '/var/lib/buildkit' }],
          },
        }
      case 'start':
      case 'stop':
        this.#containers.set(name, action === 'start')
        return { status: 204 }
      case 'exec': {
        const { Cmd } = JSON.parse(body.toString('utf8')) as { readonly Cmd: readonly string[] }
        const id = `e${this.#execs.size}`
        this.#execs.set(id, Cmd)
        return { status: 201, json: { Id: id } }
      }
      default:
        return { status: 200 }
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = (request.url ?? '').replace(/^\/v1\.\d+/, '').replace(/\?.*/, '')
    socket.on('error', () => {})
    if (path === '/grpc' && this.#options.hasBuildkit !== false) {
      socket.write('HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n')
      if (head.length > 0) socket.unshift(head)
      serveFakeDaemon(socket, { ...this.#options.daemon, isSilent: this.#options.isSilent === true })
      return
    }
    const command = this.#execs.get(/^\/exec\/([^/]+)\/start$/.exec(path)?.[1] ?? '')
    if (command === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      return
    }
    // The request has a body, which comes before the stream: some releases of Node read it, for others it is part of that.
    const size = Number(request.headers['content-length'] ?? 0)
    let rest = head
    let asBody = 0
    request.on('data', (chunk: Buffer) => (asBody += chunk.length))
    while (rest.length + asBody < size) {
      const next = new Promise<Buffer>(resolve => socket.once('data', resolve))
      const read = new Promise<undefined>(resolve => request.once('data', () => resolve(undefined)))
      const chunk = await Promise.race([next, read])
      if (chunk !== undefined) rest = Buffer.concat([rest, chunk])
    }
    rest = rest.subarray(size - asBody)
    socket.pause()
    socket.write(
      'HTTP/1.1 101 UPGRADED\r\ncontent-type: application/vnd.docker.multiplexed-stream\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n',
    )
    if (command.at(-1) === 'dial-stdio') serveFakeDaemon(framed(socket, rest), this.#options.daemon)
    else if (command[0] === 'buildkitd') socket.end(frame('buildkitd github.com/moby/buildkit v0.9.3 abc\n'))
    else socket.end(frame('workers\n'))
  }
}

/** The container with which clients find out about GPUs has no name. */
function isProbe(path: string, url: URL): boolean {
  return (
    path.startsWith('/containers/probe') || (path === '/containers/create' && !url.searchParams.has('name'))
  )
}

function frame(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data as string)
  const header = Buffer.alloc(8)
  header[0] = 1
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/** The program's side of an exec without a terminal: plain input, framed output. */
function framed(socket: Duplex, first: Buffer): Duplex {
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(frame(chunk), error => done(error ?? null)),
    final: done => void socket.end(() => done()),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  if (first.length > 0) stream.push(first)
  socket.on('data', (chunk: Buffer) => void stream.push(chunk))
  socket.once('end', () => void stream.push(null))
  socket.once('close', () => void stream.destroy())
  stream.on('error', () => {})
  return stream
}

async function entriesOf(archive: Buffer): Promise<Record<string, string>> {
  const bytes = archive[0] === 0x1f ? gunzipSync(archive) : archive
  async function* source(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const entries: Record<string, string> = {}
  for await (const { entry, content } of readTar(source())) {
    let text = ''
    for await (const { bytes: chunk } of content) text += Buffer.from(chunk).toString('utf8')
    entries[`${entry.name} ${entry.mode.toString(8)}`] = text
  }
  return entries
}

/** Go's clients write every field, ours only those that say something. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, inner]): [string, unknown] => [
      key,
      // Made out of a map, which has no order in Go.
      key === 'Env' && Array.isArray(inner)
        ? inner.map(String).toSorted((a, b) => (a < b ? -1 : 1))
        : withoutEmpty(inner),
    ])
    .filter(([key, inner]) => !isEmpty(inner) && key !== 'ConsoleSize')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(kept)
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}
