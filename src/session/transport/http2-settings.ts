import type { ClientHttp2Session, ServerHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'

/** Bytes a peer may send ahead on one stream, and on a whole connection. Node's 64 KiB would cost a round trip each. */
const streamWindow = 2 * 1024 * 1024
const connectionWindow = 16 * 1024 * 1024

/**
 * HTTP/2 options of every connection, either side. Headers may be large: include patterns and followed paths of a
 * transfer travel there, one header each, and Node allows 128 pairs by default.
 */
export const http2Options = {
  settings: { enablePush: false, initialWindowSize: streamWindow, maxHeaderListSize: 8 * 1024 * 1024 },
  maxHeaderListPairs: 65_535,
  maxSendHeaderBlockLength: 8 * 1024 * 1024,
  /** MiB; Node ends the connection above it, and its default of 10 is less than one connection window. */
  maxSessionMemory: 512,
} as const

/** Largest message, in bytes, that we take from a peer. Go's daemons and clients allow as much. */
export const maxMessageBytes = 16 * 1024 * 1024

/** Opens the connection window and keeps late errors from becoming uncaught; streams report them anyhow. */
export function prepareHttp2(session: ClientHttp2Session | ServerHttp2Session): void {
  session.on('error', () => {})
  if (!session.destroyed) session.setLocalWindowSize(connectionWindow)
}

/**
 * Closes a byte stream once the peer has ended its half. HTTP/2 has no half-open connections, but Node closes only
 * sockets by itself; over other streams the calls that still run would wait for ever.
 */
export function endWithPeer(duplex: Duplex): void {
  duplex.once('end', () => duplex.destroy())
  duplex.on('error', () => {})
}
