import type { ClientHttp2Stream } from 'node:http2'
import { isIP, connect as tcpConnect } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, connect as tlsConnect } from 'node:tls'
import { Http2SessionManager, createNodeHttpClient } from '@connectrpc/connect-node'
import type { BuildkitConnection } from '../../session/connection.ts'
import { type Address, parseAddress } from '../../session/transport/address.ts'
import { duplexTransport } from '../../session/transport/duplex-transport.ts'
import { withEarlyClose } from '../../session/transport/early-close.ts'
import { grpcTransport } from '../../session/transport/grpc-transport.ts'
import { http2Options } from '../../session/transport/http2-settings.ts'

/** PEM texts, and the name that the daemon's certificate must carry if it is not the host of the address. */
export interface ClientTls {
  readonly ca?: string | Uint8Array
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly serverName?: string
}

/**
 * Talks to the daemon at a `unix://` or `tcp://` address, with TLS if given. Connects with the first call, and again when
 * the connection was lost; calls throw `unavailable` while nobody answers. Throws `invalid-argument` for other addresses.
 */
export function connectAddress(text: string, tls?: ClientTls): BuildkitConnection {
  const address = parseAddress(text)
  const connections = new Http2SessionManager('http://localhost', undefined, {
    ...http2Options,
    createConnection: () => dial(address, tls),
  })
  const sessions = {
    authority: connections.authority,
    request: async (...args: Parameters<Http2SessionManager['request']>) =>
      withEarlyClose(await connections.request(...args)),
    notifyResponseByteRead: (stream: ClientHttp2Stream) => connections.notifyResponseByteRead(stream),
  }
  const httpClient = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => sessions })
  return {
    transport: grpcTransport(httpClient),
    async [Symbol.asyncDispose]() {
      connections.abort()
    },
  }
}

/** Talks to a daemon over a byte stream that somebody else opened. The stream is owned from here on. */
export function connectDuplex(duplex: Duplex): BuildkitConnection {
  return duplexTransport(duplex)
}

function dial(address: Address, tls: ClientTls | undefined): Duplex {
  if (address.kind === 'unix') return tcpConnect(address.path)
  const host = address.host === '' ? 'localhost' : address.host
  if (tls === undefined) return tcpConnect(address.port, host)
  const name = tls.serverName ?? host
  const pem = (value: string | Uint8Array | undefined): Buffer | undefined =>
    value === undefined ? undefined : Buffer.from(value as Uint8Array)
  return tlsConnect({
    host,
    port: address.port,
    // Server name indication has no IP addresses; the certificate is checked against what was given all the same.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: ['h2'],
    ca: pem(tls.ca),
    cert: pem(tls.cert),
    key: pem(tls.key),
  })
}
