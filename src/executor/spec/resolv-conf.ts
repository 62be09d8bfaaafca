import { isIP, isIPv4 } from 'node:net'
import { SlipwayError } from '../../errors/slipway-error.ts'

/** Name resolution of all containers, where the configuration replaces what the host says. */
export interface DnsConfig {
  readonly nameservers?: readonly string[]
  readonly options?: readonly string[]
  readonly searchDomains?: readonly string[]
}

/** What a resolv.conf file says. Source: resolv.conf(5). */
export interface ResolvConf {
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
  /** Lines with other directives, as they are. */
  readonly other: readonly string[]
}

/** Servers for a container that would have none, as BuildKit and Docker choose them. */
const publicNameservers = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844']

/** Reads a resolv.conf; addresses that are none are left out, of several `search` lines the last counts. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  const options: string[] = []
  const other: string[] = []
  let search: string[] = []
  for (const line of text.split('\n')) {
    if (/^\s*$|^[#;]/.test(line)) continue
    const [directive, ...values] = line.trim().split(/\s+/)
    const [first] = values
    if (directive === 'nameserver') {
      if (first !== undefined && isIP(first) !== 0) nameservers.push(first)
    } else if (directive === 'search' || directive === 'domain') {
      if (first !== undefined) search = values
    } else if (directive === 'options') options.push(...values)
    else other.push(line)
  }
  return { nameservers, search, options, other }
}

/** Tells whether this is systemd-resolved's stub: then /run/systemd/resolve/resolv.conf has the real servers. */
export function isSystemdStub(conf: ResolvConf): boolean {
  return conf.nameservers.length === 1 && conf.nameservers[0] === '127.0.0.53'
}

/**
 * The file for a container, from the host's. Servers on the loopback interface go, unless the container shares the
 * host's network; where none is left come public ones. A configuration replaces the host's entries and is not filtered.
 * Throws `invalid-argument` where a configured server is no address.
 */
export function containerResolvConf(
  host: ResolvConf,
  options: { readonly hostNetwork: boolean; readonly dns?: DnsConfig | undefined },
): string {
  const { dns } = options
  const conf = {
    ...host,
    ...(dns?.searchDomains?.length ? { search: dns.searchDomains.filter(d => d !== '.') } : {}),
    ...(dns?.options?.length ? { options: dns.options } : {}),
  }
  return formatResolvConf({ ...conf, nameservers: nameserversFor(host, options.hostNetwork, dns) })
}

function nameserversFor(
  host: ResolvConf,
  hostNetwork: boolean,
  dns: DnsConfig | undefined,
): readonly string[] {
  if (dns?.nameservers?.length) {
    const bad = dns.nameservers.find(address => isIP(address) === 0)
    if (bad === undefined) return dns.nameservers
    throw new SlipwayError('invalid-argument', `bad nameserver address: ${bad}`)
  }
  const usable = hostNetwork ? host.nameservers : host.nameservers.filter(address => !isLoopback(address))
  return usable.length > 0 ? usable : publicNameservers
}

function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith('127.') : /^(::1|::ffff:127\.[0-9.]+)(%.*)?$/i.test(address)
}

/** Text of the file. */
export function formatResolvConf(conf: ResolvConf): string {
  const lines = conf.nameservers.map(address => `nameserver ${address}`)
  if (conf.search.length > 0) lines.push(`search ${conf.search.join(' ')}`)
  if (conf.options.length > 0) lines.push(`options ${conf.options.join(' ')}`)
  lines.push(...conf.other)
  return lines.map(line => `${line}\n`).join('')
}
