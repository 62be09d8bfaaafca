import { Code, type ConnectError } from '@connectrpc/connect'
import { SlipwayError } from '../../errors/slipway-error.ts'

/** Texts of the system's errors as Go has them, for those a connection may meet. */
const errnoTexts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'broken pipe',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ENOTSOCK: 'socket operation on non-socket',
}

/** A failure of the connection itself in Go's words (`unavailable`), or undefined where `error` is something else. */
export function connectionError(error: ConnectError): SlipwayError | undefined {
  const cause = systemCause(error)
  if (cause === undefined) {
    // The peer or the network ended the stream: nobody here aborted it, or the abort would have been reported.
    return error.code === Code.Canceled ? lost('EOF', error) : undefined
  }
  const text = errnoTexts[cause.code] ?? cause.message
  if (cause.syscall === 'connect') {
    const where =
      cause.address === undefined
        ? 'unix'
        : cause.port === undefined
          ? `unix ${cause.address}`
          : `tcp ${cause.address}:${cause.port}`
    return dialing(`Error while dialing: dial ${where}: connect: ${text}`, error)
  }
  if (cause.syscall === 'getaddrinfo') {
    return dialing(`Error while dialing: dial tcp: lookup ${cause.hostname ?? ''}: no such host`, error)
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(cause.code)) {
    return dialing(`authentication handshake failed: ${cause.message}`, error)
  }
  return cause.code in errnoTexts ? lost(text, error) : undefined
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

function systemCause(error: unknown): SystemError | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof AggregateError) return systemCause(e.errors.at(-1))
    if ('code' in e && typeof e.code === 'string') return e as SystemError
  }
  return undefined
}

function dialing(what: string, cause: unknown): SlipwayError {
  return new SlipwayError('unavailable', `Unavailable: connection error: desc = "transport: ${what}"`, {
    cause,
  })
}

function lost(what: string, cause: unknown): SlipwayError {
  return new SlipwayError('unavailable', `Unavailable: error reading from server: ${what}`, { cause })
}
