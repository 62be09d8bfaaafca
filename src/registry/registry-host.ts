import type { RegistryConfig, RegistryConfigs, TlsKeyPair } from './registry-config.ts'

/** How a host's certificate is checked and ours is shown. */
export interface TlsSettings {
  readonly insecure: boolean
  readonly ca: readonly string[]
  readonly keypair: readonly TlsKeyPair[]
  readonly directories: readonly string[]
  /** Show no client certificate: the host is another one than the one the settings are for. */
  readonly anonymous?: boolean
}

/** One server that may answer for a registry: the registry itself or a mirror. */
export interface RegistryHost {
  /** `host[:port]` as it is dialled. */
  readonly host: string
  readonly scheme: 'https' | 'http'
  /** Plain HTTP is tried where the server does not speak TLS. */
  readonly fallbackToHttp: boolean
  /** Path under which the API lies, without a slash at the end: `/v2`. */
  readonly path: string
  /** A mirror is pulled from only, and told by `?ns=` which registry is meant. */
  readonly mirror: boolean
  readonly tls: TlsSettings
}

/**
 * The servers of a registry in the order in which they are asked: mirrors as configured, then the registry itself.
 * docker.io is served by registry-1.docker.io. Hosts on loopback may speak plain HTTP unless `http = false` is set.
 * Source: github.com/moby/buildkit util/resolver/resolver.go at v0.32.2.
 */
export function registryHosts(domain: string, configs: RegistryConfigs = {}): readonly RegistryHost[] {
  const config = ownEntry(configs, domain)
  const mirrors = (config.mirrors ?? []).map(text => {
    const { host, path } = splitMirror(text)
    return toHost(host, ownEntry(configs, host), { path: `/v2${path}`, mirror: true })
  })
  const host = domain === 'docker.io' ? 'registry-1.docker.io' : domain
  return [...mirrors, toHost(host, config, { path: '/v2', mirror: false })]
}

function ownEntry(configs: RegistryConfigs, host: string): RegistryConfig {
  return Object.hasOwn(configs, host) ? (configs[host] as RegistryConfig) : {}
}

function toHost(
  host: string,
  config: RegistryConfig,
  rest: Pick<RegistryHost, 'path' | 'mirror'>,
): RegistryHost {
  const insecure = config.insecure === true
  const plain = config.http === true
  const loopback = config.http === undefined && isLoopback(host)
  return {
    host,
    scheme: plain && !insecure ? 'http' : 'https',
    fallbackToHttp: (plain && insecure) || loopback,
    ...rest,
    tls: {
      insecure,
      ca: config.ca ?? [],
      keypair: config.keypair ?? [],
      directories: config.tlsconfigdir ?? [],
    },
  }
}

/** `host[:port]` is this machine: localhost, 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || /^127(\.\d{1,3}){3}$/.test(name) || name === '[::1]' || host === '::1'
}

/** Host and path of a mirror; a scheme in front is ignored, as BuildKit does. */
function splitMirror(text: string): { readonly host: string; readonly path: string } {
  const bare = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  const slash = bare.indexOf('/')
  if (slash < 0) return { host: bare, path: '' }
  return { host: bare.slice(0, slash), path: bare.slice(slash).replace(/\/+$/, '') }
}
