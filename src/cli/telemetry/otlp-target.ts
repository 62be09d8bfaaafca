import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Host } from '../host.ts'

/** Where traces go, and how. */
export interface OtlpTarget {
  readonly protocol: 'grpc' | 'http/protobuf'
  /** For HTTP the whole address, for gRPC scheme, host and port. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeoutMs: number
  /** Facts about this process. */
  readonly resource: ReadonlyMap<string, string>
}

/**
 * What the environment says of traces; undefined where it asks for none. Throws `invalid-argument`.
 * Variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/. As in BuildKit the protocol is gRPC if nothing is said.
 */
export function otlpTarget(env: Host['env']): OtlpTarget | undefined {
  const of = (name: string): string =>
    env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || ''
  const exporter = env['OTEL_TRACES_EXPORTER'] ?? ''
  // Exporters that we do not have (`console`) are for other programs of the same shell.
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || !['', 'otlp'].includes(exporter)) return undefined
  if (exporter === '' && of('ENDPOINT') === '') return undefined
  const protocol = of('PROTOCOL') || 'grpc'
  if (protocol !== 'grpc' && protocol !== 'http/protobuf')
    throw new SlipwayError('invalid-argument', `unsupported otlp protocol ${protocol}`)
  const timeout = Number(of('TIMEOUT') || 10_000)
  return {
    protocol,
    url: addressOf(env, protocol),
    headers: Object.fromEntries(pairs(of('HEADERS'))),
    timeoutMs: Number.isFinite(timeout) && timeout > 0 ? timeout : 10_000,
    resource: new Map([
      ['service.name', env['OTEL_SERVICE_NAME'] || 'buildx'],
      ...pairs(env['OTEL_RESOURCE_ATTRIBUTES'] ?? ''),
    ]),
  }
}

function addressOf(env: Host['env'], protocol: OtlpTarget['protocol']): URL {
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const shared = env['OTEL_EXPORTER_OTLP_ENDPOINT']
  const text = own || shared || (protocol === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318')
  const full = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  if (!URL.canParse(full)) throw new SlipwayError('invalid-argument', `invalid OTLP endpoint ${text}`)
  const url = new URL(full)
  // An address that is only for traces is taken as it is.
  if (protocol === 'http/protobuf' && !own) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return url
}

/** `a=b,c=d`, values as in URLs. */
function pairs(text: string): [string, string][] {
  return text.split(',').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=')
    if (at < 1) return []
    const value = pair.slice(at + 1).trim()
    try {
      return [[pair.slice(0, at).trim(), decodeURIComponent(value)]]
    } catch {
      return [[pair.slice(0, at).trim(), value]]
    }
  })
}
