import { BlockList, isIP } from 'node:net'
import { isLoopback } from '../registry-host.ts'
import type { ProxySettings } from './node-transport.ts'

/**
 * The proxy that requests to an address go through; undefined for those that go straight there: by NO_PROXY, and always those
 * to this machine itself. NO_PROXY has names (with everything below them; `.name` for that only), addresses, networks (CIDR),
 * each with a port or without, and `*`.
 * Behaviour: https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
export function proxyFor(
  url: URL,
  { HTTP_PROXY, HTTPS_PROXY, NO_PROXY = '' }: ProxySettings,
): string | undefined {
  const proxy = url.protocol === 'https:' ? HTTPS_PROXY : HTTP_PROXY
  if (proxy === undefined || proxy === '') return undefined
  const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (isLoopback(host)) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const excepted = NO_PROXY.split(',').some(entry => matches(entry.trim().toLowerCase(), host, port))
  if (excepted) return undefined
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  if (inNetwork(entry, host) !== undefined) return inNetwork(entry, host) === true
  const [, name = '', wantedPort] =
    /^\[?(.*?)\]?(?::(\d+))?$/s.exec(isIP(entry) === 0 ? entry : `[${entry}]`) ?? []
  if (wantedPort !== undefined && wantedPort !== port) return false
  if (isIP(name) !== 0) return name === host
  const below = name.replace(/^\*?\.?/, '.')
  return host.endsWith(below) || (name === below.slice(1) && host === name)
}

/** Undefined where the entry is no network. */
function inNetwork(entry: string, host: string): boolean | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d+)$/.exec(entry) ?? []
  const version = isIP(address)
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) return undefined
  if (isIP(host) !== version) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const network = new BlockList()
  network.addSubnet(address, Number(bits), family)
  return network.check(host, family)
}
