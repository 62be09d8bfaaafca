import { type ErrorDetail, SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { redactUrl } from './redact-url.ts'

/** `type` of the detail that marks failures without an HTTP answer; `kind` tells what went wrong. */
export const transportErrorType = 'slipway.registry.TransportError'

/** What can go wrong before or while an answer comes. */
export type TransportFailure =
  | 'refused'
  | 'lookup'
  | 'reset'
  | 'eof'
  | 'timeout'
  | 'not-tls'
  | 'certificate'
  | 'other'

const byErrno: Readonly<Record<string, TransportFailure>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ENOTFOUND: 'lookup',
  EAI_AGAIN: 'lookup',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  HPE_INVALID_EOF_STATE: 'eof',
  ERR_STREAM_PREMATURE_CLOSE: 'eof',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ERR_SSL_HTTP_REQUEST: 'not-tls',
}

const certificateErrors: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'x509: certificate is not valid for this host',
}

const hints: Partial<Readonly<Record<TransportFailure, string>>> = {
  refused: 'is the server running, and is the port right?',
  lookup: 'check the name of the registry and the DNS settings of this machine',
  'not-tls': 'the registry speaks plain HTTP: allow that with http = true in its registry section',
  certificate:
    'trust its authority with ca = [...] in its registry section, or set insecure = true to skip the check',
}

/** What kind of failure a system error is. */
export function classify(error: unknown): TransportFailure {
  // The other side has closed the connection in good order, without an answer.
  if (error instanceof Error && error.message === 'socket hang up') return 'eof'
  const code = codeOf(error)
  if (code in certificateErrors) return 'certificate'
  const known = byErrno[code]
  if (known !== undefined) return known
  if (error instanceof Error && /wrong version number|packet length too long/.test(error.message))
    return 'not-tls'
  if (error instanceof Error && /aborted/.test(error.message)) return 'eof'
  return 'other'
}

/** Whether the failure may be gone at the next try. */
export function isPassing(failure: TransportFailure): boolean {
  return failure === 'reset' || failure === 'eof' || failure === 'timeout'
}

/** The error for a request that got no answer, in the words of Go's HTTP client where it has some. */
export function transportError(method: string, url: URL, error: unknown): SlipwayError {
  const kind = classify(error)
  // Where manifests are fetched, BuildKit has asked for their head before.
  const isManifest = method === 'GET' && url.pathname.includes('/manifests/')
  const verb = isManifest ? 'Head' : method.charAt(0) + method.slice(1).toLowerCase()
  const message = `failed to do request: ${verb} ${quote(redactUrl(url))}: ${goMessage(kind, url, error)}`
  return transportFailure(message, kind, error)
}

/** A failure of `kind` with a message of one's own. */
export function transportFailure(message: string, kind: TransportFailure, cause?: unknown): SlipwayError {
  const detail: ErrorDetail = { type: transportErrorType, kind }
  const hint = hints[kind]
  return new SlipwayError(kind === 'timeout' ? 'deadline-exceeded' : 'unavailable', message, {
    cause,
    details: [detail],
    ...(hint === undefined ? {} : { hint }),
  })
}

function goMessage(kind: TransportFailure, url: URL, error: unknown): string {
  const plain = error instanceof Error ? error.message : String(error)
  switch (kind) {
    case 'refused':
      return `dial tcp ${addressOf(error) ?? url.host}: connect: ${/REFUSED/.test(codeOf(error)) ? 'connection refused' : 'no route to host'}`
    case 'lookup':
      return `dial tcp: lookup ${url.hostname}: no such host`
    case 'reset':
      return 'connection reset by peer'
    case 'eof':
      return 'EOF'
    case 'timeout':
      return `i/o timeout${plain === '' ? '' : ` (${plain})`}`
    case 'not-tls':
      return 'http: server gave HTTP response to HTTPS client'
    case 'certificate':
      return `tls: failed to verify certificate: ${certificateErrors[codeOf(error)]}`
    default:
      return plain
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError && error.errors.length > 0 && !('code' in error && error.code)) {
    return codeOf(error.errors[0])
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function addressOf(error: unknown): string | undefined {
  const one: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (typeof one !== 'object' || one === null || !('address' in one) || !('port' in one)) return undefined
  const { address, port } = one
  return typeof address === 'string' && typeof port === 'number' ? `${address}:${port}` : undefined
}
