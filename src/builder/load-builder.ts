import { anySignal } from '../async/abort.ts'
import { createDriver, driverError } from '../drivers/create-driver.ts'
import { type DockerApi, dockerApi } from '../drivers/docker/docker-api.ts'
import { checkClientHost, parseDockerHost } from '../drivers/docker/docker-endpoint.ts'
import type { Driver } from '../drivers/driver.ts'
import { asSlipwayError, isSlipwayError, type SlipwayError } from '../errors/slipway-error.ts'
import type { DockerProxy } from '../drivers/docker/docker-contexts.ts'
import type { Builder, BuilderNode } from './builder.ts'
import type { BuilderPlaces } from './builder-host.ts'
import type { NodeGroup, StoredNode } from './node-group.ts'

/** Name under which the embedded engine can always be chosen. */
export const embeddedName = 'slipway'

/** How long a docker daemon may take to show that it is there, ms. */
const pingLimit = 5000

/** What a builder is made of, besides its file. */
export interface LoadOptions {
  readonly lastActivity: number | undefined
  /** Equal for builds of one project: picks one of several daemons of a node. */
  readonly contextKey?: string
}

/** Makes the drivers of a stored builder. What fails is noted at the node or the builder. */
export async function loadGroup(
  group: NodeGroup,
  places: BuilderPlaces,
  options: LoadOptions,
): Promise<Builder> {
  const nodes = await Promise.all(
    group.nodes.map(node => makeNode(group.driver, node, places, options.contextKey ?? '')),
  )
  return {
    name: group.name,
    driverName: group.driver,
    nodes,
    isContext: false,
    dynamic: group.dynamic,
    lastActivity: options.lastActivity,
    error: driverError(group.driver),
  }
}

/**
 * The builder that belongs to a docker context: driver docker where the daemon has BuildKit, docker-container where it
 * is too old for that. Where no daemon answers, `error` says so.
 */
export async function loadContext(
  name: string,
  places: BuilderPlaces,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Builder> {
  const base = { name, isContext: true, dynamic: false, lastActivity: options.lastActivity }
  try {
    const driverName = await contextDriver(dockerOf(name, places), signal)
    const stored: StoredNode = { name, endpoint: name }
    const node = await makeNode(driverName, stored, places, options.contextKey ?? '')
    return { ...base, driverName, nodes: [node], error: undefined }
  } catch (error) {
    if (signal.aborted) throw error
    const stored: StoredNode = { name, endpoint: name }
    const node = {
      name,
      endpoint: name,
      platforms: [],
      stored,
      proxy: {},
      driver: undefined,
      error: undefined,
    }
    return { ...base, driverName: '', nodes: [node], error: asSlipwayError(error) }
  }
}

/** The embedded engine as a builder. */
export async function loadEmbedded(
  name: string,
  places: BuilderPlaces,
  options: LoadOptions,
): Promise<Builder> {
  const { endpoint } = places.host.embedded
  let driver: Driver | undefined
  let error: SlipwayError | undefined
  try {
    driver = await places.host.embedded.driver()
  } catch (e) {
    // Anything else is no failure of the engine but the caller's own way out (the command runs elsewhere).
    if (!isSlipwayError(e)) throw e
    error = e
  }
  const stored: StoredNode = { name, endpoint }
  return {
    name,
    driverName: 'embedded',
    nodes: [{ name, endpoint, platforms: [], stored, proxy: proxyArgs(places, endpoint), driver, error }],
    isContext: true,
    dynamic: false,
    lastActivity: options.lastActivity,
    error: undefined,
  }
}

async function contextDriver(api: DockerApi, signal: AbortSignal): Promise<string> {
  const limit = anySignal(signal, AbortSignal.timeout(pingLimit))
  const ping = await api.call('/_ping', { signal: limit })
  ping.body.resume()
  try {
    const stream = await api.hijack('/grpc', 'h2c', { signal: limit })
    stream.destroy()
    return 'docker'
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'deadline-exceeded') throw error
    return 'docker-container'
  }
}

/** The docker daemon of a context, or at an address. Throws `not-found` for the context in use where there is none. */
export function dockerOf(endpoint: string, { contexts, host }: BuilderPlaces): DockerApi {
  if (contexts.missing !== undefined && endpoint === contexts.current) throw contexts.missing
  const found = contexts.endpoint(endpoint) ?? { host: parseDockerHost(endpoint) }
  return dockerApi(found, host.docker.env)
}

async function makeNode(
  driverName: string,
  stored: StoredNode,
  places: BuilderPlaces,
  contextKey: string,
): Promise<BuilderNode> {
  const { name, endpoint, platforms = [] } = stored
  const node = { name, endpoint, platforms, stored, proxy: proxyArgs(places, endpoint) }
  try {
    if (places.contexts.endpoint(endpoint) === undefined) checkClientHost(endpoint)
    const driver = await createDriver(driverName, {
      nodeName: name,
      endpoint,
      driverOpts: stored.driverOpts ?? {},
      flags: stored.flags ?? [],
      files: stored.files ?? {},
      platforms,
      contextKey,
      contexts: places.contexts,
      docker: () => dockerOf(endpoint, places),
      env: places.host.docker.env,
      cwd: places.host.cwd,
    })
    return { ...node, driver, error: undefined }
  } catch (error) {
    return { ...node, driver: undefined, error: asSlipwayError(error) }
  }
}

/** The client's proxies as build arguments. Source: buildx v0.36.1 store/storeutil/storeutil.go */
function proxyArgs({ contexts }: BuilderPlaces, endpoint: string): Record<string, string> {
  const host = contexts.endpoint(endpoint)?.host ?? contexts.endpoint(contexts.current)?.host ?? endpoint
  const proxy: DockerProxy = contexts.proxyFor(host) ?? {}
  const args: Record<string, string | undefined> = {
    HTTP_PROXY: proxy.httpProxy,
    HTTPS_PROXY: proxy.httpsProxy,
    NO_PROXY: proxy.noProxy,
    FTP_PROXY: proxy.ftpProxy,
  }
  return Object.fromEntries(
    Object.entries(args).flatMap(([k, v]) => (v === undefined || v === '' ? [] : [[k, v]])),
  )
}
