import { chmod, chown, lstat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { http2Options, prepareHttp2 } from '../../session/transport/http2-settings.ts'
import type { Routes } from '../../session/transport/routes.ts'
import { http2Handler } from '../../session/transport/serve-http2.ts'
import { type Address, parseAddress } from '../../session/transport/address.ts'
import type { CallObserver } from '../../session/transport/observe-calls.ts'

/** PEM texts. With `ca`, clients must show a certificate that it signed. */
export interface ServerTls {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  readonly ca?: string | Uint8Array
}

/** How a daemon listens. */
export interface ListenOptions {
  /** For tcp addresses; unix sockets never use TLS. */
  readonly tls?: ServerTls
  /** Permission bits of unix sockets. Default 0o660. */
  readonly socketMode?: number
  /** Owner of unix sockets, and of the folder that is made for one; the process's own if absent. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** How many listening sockets the process was started with, from descriptor 3 on: for `fd://`. */
  readonly inherited?: number
  readonly onCall?: CallObserver
}

/** A daemon that accepts connections. Disposing it stops accepting and ends every connection. */
export interface Listening extends AsyncDisposable {
  /** The addresses in use, with the port that port 0 became. */
  readonly addresses: readonly string[]
}

/** Of the sockets that a service manager hands over the first is the one of `fd://`. */
const inheritedFd = 3

/** Longest path that Linux takes for a socket. */
const maxSocketPath = 107

/**
 * Serves routes to gRPC clients on `unix://`, `tcp://` and `fd://` addresses, all or none. A unix socket that nobody listens on
 * any more is replaced. Throws `invalid-argument` for an address of another kind, `already-exists` for one in use.
 */
export async function listen(
  addresses: readonly string[],
  routes: Routes,
  options: ListenOptions = {},
): Promise<Listening> {
  await using stack = new AsyncDisposableStack()
  const used: string[] = []
  for (const address of addresses) used.push(await listenOn(address, routes, options, stack))
  const owned = stack.move()
  return { addresses: used, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function listenOn(
  text: string,
  routes: Routes,
  options: ListenOptions,
  stack: AsyncDisposableStack,
): Promise<string> {
  const address = listeningAddress(text)
  const tls = address.kind === 'unix' ? undefined : options.tls
  const stopping = new AbortController()
  const handler = http2Handler(routes, { onCall: options.onCall, stopping: stopping.signal })
  const server =
    tls === undefined
      ? createServer(http2Options, handler)
      : createSecureServer({ ...http2Options, ...tlsOptions(tls), allowHTTP1: false }, handler)
  if (tls !== undefined) server.prependListener('secureConnection', assumeHttp2)
  stack.use(closing(server, stopping))
  try {
    if (address.kind === 'unix') await makeRoom(address.path, options)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(place(address, options), () => {
        server.off('error', reject)
        resolve()
      })
    })
    if (address.kind === 'unix') {
      await chmod(address.path, options.socketMode ?? 0o660)
      await own(address.path, options)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw inUse(text, error)
    if (error instanceof SlipwayError) throw error
    throw wrapError(`failed to listen on ${text}`, error)
  }
  const bound = server.address()
  return bound !== null && typeof bound === 'object' && address.kind === 'tcp'
    ? `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${bound.port}`
    : text
}

/** An address of a daemon: those of clients, and the socket that a service manager opened. */
type ListeningAddress = Address | { readonly kind: 'fd' }

function listeningAddress(text: string): ListeningAddress {
  const [, scheme, rest = ''] = /^(.*?):\/\/(.*)$/s.exec(text) ?? []
  if (scheme === undefined) {
    throw new SlipwayError(
      'invalid-argument',
      `address ${text} does not contain proto, you meant unix://${text} ?`,
    )
  }
  if (scheme === 'fd') {
    if (rest === '') return { kind: 'fd' }
    throw new SlipwayError('unimplemented', `${text}: not supported yet`, {
      hint: 'fd:// is the first socket that was handed over; there is no choice',
    })
  }
  if (scheme !== 'unix' && scheme !== 'tcp')
    throw new SlipwayError('invalid-argument', `addr ${text} not supported`, {
      hint: 'use unix://, tcp:// or fd://',
    })
  return parseAddress(text)
}

/** What Node listens on. Throws `failed-precondition` where no socket was handed over. */
function place(address: ListeningAddress, options: ListenOptions): object {
  if (address.kind === 'unix') return { path: address.path }
  if (address.kind === 'tcp')
    return { ...(address.host === '' ? {} : { host: address.host }), port: address.port }
  if ((options.inherited ?? 0) > 0) return { fd: inheritedFd }
  throw new SlipwayError(
    'failed-precondition',
    'no sockets found via socket activation: make sure the service was started by systemd',
  )
}

async function makeRoom(path: string, options: ListenOptions): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPath)
    throw new SlipwayError(
      'invalid-argument',
      `failed to create unix socket on ${path}: unix socket path too long (> ${maxSocketPath})`,
    )
  const made = await makeDirectories(dirname(path), 0o711)
  if (made !== undefined) await own(dirname(path), options)
  await removeStale(path)
}

async function own(path: string, { uid, gid }: ListenOptions): Promise<void> {
  if (uid !== undefined || gid !== undefined) await chown(path, uid ?? -1, gid ?? -1)
}

/** buildx negotiates no protocol inside TLS and speaks HTTP/2 all the same, as buildkitd expects it; Node would hang up. */
function assumeHttp2(socket: TLSSocket): void {
  if (socket.alpnProtocol === false) Object.defineProperty(socket, 'alpnProtocol', { value: 'h2' })
}

function tlsOptions(tls: ServerTls): { cert: Buffer; key: Buffer; ca?: Buffer; requestCert?: true } {
  const pem = (value: string | Uint8Array): Buffer =>
    typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
  const own = { cert: pem(tls.cert), key: pem(tls.key) }
  return tls.ca === undefined ? own : { ...own, ca: pem(tls.ca), requestCert: true }
}

/** How long calls may take to end when the server does (ms). */
const stopMs = 5000

/**
 * Ends a server: first its calls, which tell their callers, then what is left of its connections. Streams that would live
 * on (a session, a status) keep nobody waiting.
 */
function closing(server: Http2Server | Http2SecureServer, stopping: AbortController): AsyncDisposable {
  const sessions = new Set<ServerHttp2Session>()
  const streams = new Set<ServerHttp2Stream>()
  const idle = Promise.withResolvers<void>()
  server.on('session', (session: ServerHttp2Session) => {
    prepareHttp2(session)
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    streams.add(stream)
    stream.once('close', () => {
      streams.delete(stream)
      if (stopping.signal.aborted && streams.size === 0) idle.resolve()
    })
  })
  server.on('sessionError', () => {})
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      stopping.abort(new SlipwayError('unavailable', 'the daemon is stopping'))
      const timer = setTimeout(idle.resolve, streams.size === 0 ? 0 : stopMs)
      await idle.promise
      clearTimeout(timer)
      for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL)
      await closed
    },
  }
}

/** Removes a socket file that is left over; one that answers is somebody's. */
async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  if (!stats.isSocket()) throw new SlipwayError('already-exists', `${path} exists and is not a socket`)
  const alive = await new Promise<boolean>(resolve => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true))
    probe.once('error', () => resolve(false))
    probe.once('close', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
  if (alive) throw inUse(`unix://${path}`)
  await unlink(path)
}

function inUse(address: string, cause?: unknown): SlipwayError {
  return new SlipwayError('already-exists', `failed to listen on ${address}: address already in use`, {
    hint: 'another daemon may be running there: stop it, or give another address with --addr',
    ...(cause === undefined ? {} : { cause }),
  })
}
