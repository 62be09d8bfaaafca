import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { closeSync } from 'node:fs'
import { NetworkThread } from '../../sys/network-thread.ts'
import type { ContainerSpec, ProcessSpec } from '../executor.ts'
import type { NetworkProvider, NetworkRequest } from '../network/network-provider.ts'
import { createEgress } from './egress.ts'
import { ProxyAuthority } from './proxy-authority.ts'
import { ProxyServer, type ProxySettings } from './proxy-server.ts'

/** On the loopback interface of each container, above what systems give to programs that name no port. */
const address = '127.0.0.1'
const port = 61_081

const url = `http://${address}:${port}`
const direct = '127.0.0.1,localhost,::1'

/** What tells programs of the proxy. */
export const proxyVariables: Readonly<Record<string, string>> = {
  HTTP_PROXY: url,
  HTTPS_PROXY: url,
  http_proxy: url,
  https_proxy: url,
  NO_PROXY: direct,
  no_proxy: direct,
}

/** Tells whether a container reaches the network by a proxy only. */
export const isProxied = ({ network, proxy }: Pick<ContainerSpec, 'network' | 'proxy'>): boolean =>
  proxy !== undefined && network !== 'none'

/** The environment of a process of a container: where that is proxied, with the proxy in it in place of any other. */
export function environmentOf(container: ContainerSpec, { env }: ProcessSpec): readonly string[] {
  if (!isProxied(container)) return env
  const others = env.filter(one => !Object.hasOwn(proxyVariables, one.split('=', 1)[0] ?? ''))
  return [...others, ...Object.entries(proxyVariables).map(([name, value]) => `${name}=${value}`)]
}

/** What all proxies have in common. */
export interface ProxyServices {
  readonly authority: ProxyAuthority
  /** What servers are believed by. */
  readonly trust: () => SecureContext
}

/** How a container reaches the network by a proxy only. */
export interface ProxyNetworkOptions extends ProxyServices {
  readonly settings: ProxySettings
  /** How it would be connected otherwise: the proxy is. */
  readonly behind: NetworkProvider
}

/** Makes an authority; the system's own are read when they are first needed, which takes a tenth of a second. */
export async function createProxyServices(): Promise<ProxyServices> {
  const authority = await ProxyAuthority.create()
  let context: SecureContext | undefined
  const make = (): SecureContext => {
    const ca = new Set([...getCACertificates('bundled'), ...getCACertificates('system')])
    return createSecureContext({ ca: [...ca] })
  }
  const trust = (): SecureContext => (context ??= make())
  return { authority, trust }
}

/** A network that has nothing but a loopback interface, and a proxy on that. */
export function proxyNetwork(options: ProxyNetworkOptions): NetworkProvider {
  return { namespace: 'wrapper', attach: request => attach(request, options) }
}

async function attach(request: NetworkRequest, options: ProxyNetworkOptions): Promise<AsyncDisposable> {
  const { authority, trust, settings, behind } = options
  await using opening = new AsyncDisposableStack()
  const egress = opening.use(createEgress(behind, request.id))
  const server = opening.use(new ProxyServer({ ...settings, authority, trust, egress }))
  await using inside = new NetworkThread(request.namespace)
  const fd = await inside.bind(address, port)
  try {
    await server.listen({ fd })
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return opening.move()
}
