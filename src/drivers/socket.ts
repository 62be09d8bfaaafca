import { connect as netConnect, type Socket } from 'node:net'
import { checkServerIdentity, connect as tlsConnect } from 'node:tls'
import { abortError } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { errnoOf } from '../sys/errno-error.ts'

/** Where to connect to. */
export type SocketAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** PEM bytes, and how the server is checked. */
export interface SocketTls {
  readonly ca?: Uint8Array
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
  readonly serverName?: string
  readonly skipVerify?: boolean
  readonly alpn?: readonly string[]
}

/**
 * Connects, with TLS if given, and answers once the connection stands. Throws `unavailable` in Go's words (`dial unix
 * /x: connect: no such file or directory`), with `permission-denied`, `unauthenticated` (TLS) and `invalid-argument` (a
 * port that is none) told apart.
 */
export async function openSocket(
  address: SocketAddress,
  tls: SocketTls | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  if (address.kind === 'tcp' && address.port > 65_535)
    throw new SlipwayError('invalid-argument', `dial tcp: address ${address.port}: invalid port`)
  const socket = tls === undefined || address.kind === 'unix' ? plain(address) : secure(address, tls)
  const connected = Promise.withResolvers<void>()
  const onAbort = (): void => connected.reject(abortError(signal))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  socket.once(tls === undefined || address.kind === 'unix' ? 'connect' : 'secureConnect', connected.resolve)
  socket.once('error', connected.reject)
  socket.once('close', () => connected.reject(new Error('EOF')))
  try {
    await connected.promise
    // Errors that come later are those of whoever uses the socket; there may be nobody yet.
    socket.on('error', () => {})
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw signal.aborted ? error : dialError(address, error)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function plain(address: SocketAddress): Socket {
  return address.kind === 'unix' ? netConnect(address.path) : netConnect(address.port, address.host)
}

function secure(address: SocketAddress & { readonly kind: 'tcp' }, tls: SocketTls): Socket {
  const pem = (bytes: Uint8Array | undefined): Buffer | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes)
  const name = tls.serverName ?? address.host
  return tlsConnect({
    host: address.host,
    port: address.port,
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
    ca: pem(tls.ca),
    cert: pem(tls.cert),
    key: pem(tls.key),
    rejectUnauthorized: tls.skipVerify !== true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  })
}

const texts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ENOTSOCK: 'socket operation on non-socket',
  ETIMEDOUT: 'connection timed out',
}

function dialError(address: SocketAddress, error: unknown): SlipwayError {
  const cause = error instanceof AggregateError ? (error.errors.at(-1) as unknown) : error
  const code = errnoOf(cause) ?? ''
  const where = address.kind === 'unix' ? `unix ${address.path}` : `tcp ${shownHost(address)}:${address.port}`
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const host = address.kind === 'tcp' ? address.host : ''
    return new SlipwayError('unavailable', `dial tcp: lookup ${host}: no such host`, { cause: error })
  }
  const text = texts[code]
  if (text !== undefined) {
    const kind = code === 'EACCES' ? 'permission-denied' : 'unavailable'
    return new SlipwayError(kind, `dial ${where}: connect: ${text}`, { cause: error })
  }
  return new SlipwayError('unauthenticated', `dial ${where}: authentication handshake failed: ${message}`, {
    cause: error,
    hint: 'check that the address speaks TLS and that the certificates belong together',
  })
}

const shownHost = (address: { readonly host: string }): string =>
  address.host.includes(':') ? `[${address.host}]` : address.host
