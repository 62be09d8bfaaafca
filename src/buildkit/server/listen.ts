import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { http2Options, prepareHttp2 } from '../../session/transport/http2-settings.ts'
import type { Routes } from '../../session/transport/routes.ts'
import { http2Handler } from '../../session/transport/serve-http2.ts'
import { parseAddress } from '../../session/transport/address.ts'

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
}

/** A daemon that accepts connections. Disposing it stops accepting and ends every connection. */
export interface Listening extends AsyncDisposable {
  /** The addresses in use, with the port that port 0 became. */
  readonly addresses: readonly string[]
}

/**
 * Serves routes to gRPC clients on `unix://` and `tcp://` addresses, all or none. A unix socket that nobody listens on
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
  const address = parseAddress(text)
  const tls = address.kind === 'tcp' ? options.tls : undefined
  const server =
    tls === undefined
      ? createServer(http2Options, http2Handler(routes))
      : createSecureServer({ ...http2Options, ...tlsOptions(tls), allowHTTP1: false }, http2Handler(routes))
  if (tls !== undefined) server.prependListener('secureConnection', assumeHttp2)
  stack.use(closing(server))
  try {
    if (address.kind === 'unix') {
      await mkdir(dirname(address.path), { recursive: true, mode: 0o711 })
      await removeStale(address.path)
    }
    const host = address.kind === 'tcp' && address.host !== '' ? { host: address.host } : {}
    const where = address.kind === 'unix' ? { path: address.path } : { ...host, port: address.port }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(where, () => {
        server.off('error', reject)
        resolve()
      })
    })
    if (address.kind === 'unix') await chmod(address.path, options.socketMode ?? 0o660)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw inUse(text, error)
    throw wrapError(`failed to listen on ${text}`, error)
  }
  const bound = server.address()
  return bound !== null && typeof bound === 'object' && address.kind === 'tcp'
    ? `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${bound.port}`
    : text
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

/** Ends a server with its connections; long-lived session streams would keep a graceful close waiting for ever. */
function closing(server: Http2Server | Http2SecureServer): AsyncDisposable {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    prepareHttp2(session)
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => {})
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const session of sessions) session.destroy()
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
