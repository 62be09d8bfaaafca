import { existsSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { anySignal } from '../async/abort.ts'
import { checkInstanceDriver } from '../drivers/create-driver.ts'
import { parseDockerHost } from '../drivers/docker/docker-endpoint.ts'
import { checkRemoteAddress } from '../drivers/remote/remote-address.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { parsePlatformList } from '../oci/platform-list.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Builder } from './builder.ts'
import type { BuilderHost, BuilderPlaces } from './builder-host.ts'
import { openPlaces } from './builder-host.ts'
import { openStore, type StoreTransaction } from './builder-store.ts'
import { buildkitdFlags } from './buildkitd-flags.ts'
import { type DaemonFiles, loadDaemonFiles } from './config-files.ts'
import { loadGroup } from './load-builder.ts'
import { removeBuilderRefs } from './local-state.ts'
import type { NodeGroup } from './node-group.ts'
import { loadState } from './node-state.ts'
import { randomName } from './random-name.ts'
import { leaveNode, updateNode } from './update-node.ts'

/** `create` as its flags say it; empty texts are flags that were not given. */
export interface CreateOptions {
  readonly name: string
  readonly driver: string
  readonly node: string
  readonly platforms: readonly string[]
  readonly flags: string
  readonly configFile: string
  readonly driverOpts: readonly string[]
  readonly use: boolean
  /** Docker context or address. */
  readonly endpoint: string
  readonly append: boolean
  /** How long nodes may take to say what they are, ms. */
  readonly timeout: number
  readonly hostPlatform: Platform
  readonly signal: AbortSignal
}

/**
 * Creates a builder, or adds or changes a node of one. What its driver refuses undoes the creation. Errors are in
 * buildx's words. Source: https://github.com/docker/buildx/blob/v0.36.1/builder/builder.go
 */
export async function createBuilder(host: BuilderHost, options: CreateOptions): Promise<Builder> {
  if (options.name === 'default') {
    throw invalid('default is a reserved name and cannot be used to identify builder instance')
  }
  if (options.append && options.name === '') throw invalid('append requires a builder name')
  const places = openPlaces(host)
  using store = await openStore(places.dir, options.signal)
  const name = options.name === '' ? freeName(store, host) : options.name
  if (!options.append && places.contexts.names.includes(name)) {
    throw new SlipwayError(
      'already-exists',
      `instance name ${JSON.stringify(name)} already exists as context builder`,
    )
  }
  const original = store.get(name)
  if (original === undefined && options.append) {
    throw new SlipwayError('not-found', `failed to find instance ${JSON.stringify(options.name)} for append`)
  }
  const driver = driverOf(options, original, host)
  checkExisting(original, options, name, driver)
  checkInstanceDriver(driver)
  const { group, needsRestart } = change(
    original ?? { name, driver, nodes: [], dynamic: false },
    driver,
    options,
    places,
  )
  if (needsRestart) host.warn('WARNING: new settings may not be used until builder is restarted')
  store.save(group, host.now())
  const builder = await loadGroup(group, places, { lastActivity: host.now() })
  await rollBackOnError(builder, original, store, options, host)
  if (options.use) {
    store.setCurrent(places.contexts.currentEndpoint, group.name, { global: false, isDefault: false })
  }
  return builder
}

async function rollBackOnError(
  builder: Builder,
  original: NodeGroup | undefined,
  store: StoreTransaction,
  options: CreateOptions,
  host: BuilderHost,
): Promise<void> {
  const limit = anySignal(
    options.signal,
    options.timeout > 0 ? AbortSignal.timeout(options.timeout) : undefined,
  )
  const { nodes } = await loadState(builder, limit)
  const failed = nodes.find(state => state.error !== undefined)
  if (failed?.error === undefined) return
  if (original === undefined) store.remove(builder.name)
  else store.save(original, host.now())
  throw wrapError(`failed to initialize builder ${builder.name} (${failed.node.name})`, failed.error)
}

function driverOf(options: CreateOptions, original: NodeGroup | undefined, host: BuilderHost): string {
  if (options.driver !== '') return options.driver
  if (original !== undefined) return original.driver
  if (options.endpoint === '' && (host.docker.env['BUILDKIT_HOST'] ?? '') !== '') return 'remote'
  try {
    if (options.endpoint !== '') {
      checkRemoteAddress(options.endpoint)
      return 'remote'
    }
  } catch {
    // An address of docker: its daemon will run the builder.
  }
  return 'docker-container'
}

function checkExisting(
  original: NodeGroup | undefined,
  options: CreateOptions,
  name: string,
  driver: string,
): void {
  if (original === undefined) return
  const shown = JSON.stringify(name)
  if (options.node === '' && !options.append) {
    throw new SlipwayError(
      'already-exists',
      `existing instance for ${shown} but no append mode, specify the node name to make changes for existing instances`,
    )
  }
  if (driver !== original.driver) {
    throw invalid(
      `existing instance for ${shown} but has mismatched driver ${JSON.stringify(original.driver)}`,
    )
  }
}

function change(
  group: NodeGroup,
  driver: string,
  options: CreateOptions,
  places: BuilderPlaces,
): ReturnType<typeof updateNode> {
  const driverOpts = parseDriverOpts(options.driverOpts, driver, places.host.cwd)
  const daemon = daemonFiles(options.configFile, places)
  const flags = buildkitdFlags(options.flags, {
    driver,
    driverOpts: driverOpts ?? {},
    configEntitlements: daemon?.entitlements ?? [],
  })
  const { endpoint, given } = endpointOf(group.name, driver, options, places)
  return updateNode(group, {
    name: options.node,
    endpoint,
    endpointGiven: given,
    platforms: parsePlatformList(options.platforms, options.hostPlatform),
    append: options.append,
    flags,
    files: daemon?.files,
    driverOpts,
  })
}

function daemonFiles(given: string, { dir, host }: BuilderPlaces): DaemonFiles | undefined {
  const usual = join(dir.path, 'buildkitd.default.toml')
  if (given !== '') return loadDaemonFiles(resolve(host.cwd, given))
  return existsSync(usual) ? loadDaemonFiles(usual) : undefined
}

/** `k=v` pairs, several as a CSV line; paths of certificates are made absolute. */
function parseDriverOpts(
  values: readonly string[],
  driver: string,
  cwd: string,
): Record<string, string> | undefined {
  if (values.length === 0) return undefined
  const options: Record<string, string> = {}
  for (const value of values) {
    for (const pair of csvFields(value)) {
      const at = pair.indexOf('=')
      if (at < 0) throw invalid(`invalid value ${JSON.stringify(pair)}, expecting k=v`)
      const name = pair.slice(0, at)
      const text = pair.slice(at + 1)
      const isPath = driver === 'remote' && ['cacert', 'cert', 'key'].includes(name) && text !== ''
      options[name] = isPath && !isAbsolute(text) ? resolve(cwd, text) : text
    }
  }
  return options
}

function endpointOf(
  name: string,
  driver: string,
  options: CreateOptions,
  { contexts, host }: BuilderPlaces,
): { readonly endpoint: string; readonly given: boolean } {
  const { endpoint } = options
  const { env } = host.docker
  if (driver === 'kubernetes') {
    if (endpoint !== '')
      throw invalid(`kubernetes driver does not support endpoint args ${JSON.stringify(endpoint)}`)
    // Of no use to the driver: it keeps endpoints apart from each other.
    const deployment = options.node || `buildkit-${randomUuid(host)}-${hex(host.random(3)).slice(0, 5)}`
    const query = new URLSearchParams({ deployment, kubeconfig: env['KUBECONFIG'] ?? '' })
    return { endpoint: `kubernetes:///${name}?${query.toString()}`, given: false }
  }
  if (driver === 'remote') {
    const address = endpoint || env['BUILDKIT_HOST'] || ''
    if (address === '') throw invalid('no remote endpoint provided')
    checkRemoteAddress(address)
    return { endpoint: address, given: true }
  }
  if (endpoint !== '') return { endpoint: dockerEndpoint(endpoint, contexts), given: true }
  if (contexts.missing !== undefined) throw contexts.missing
  const { problem, tls } = contexts.current === 'default' ? (contexts.endpoint('default') ?? {}) : {}
  if (problem !== undefined) throw problem
  if (tls !== undefined) {
    throw invalid(
      'could not create a builder instance with TLS data loaded from environment. Please use `docker context create <context-name>` to create a context for current environment and then create a builder instance with context set to <context-name>',
    )
  }
  return { endpoint: contexts.currentEndpoint, given: false }
}

function dockerEndpoint(text: string, contexts: BuilderPlaces['contexts']): string {
  if (contexts.names.includes(text)) {
    return text === 'default' ? (contexts.endpoint('default')?.host ?? text) : text
  }
  try {
    return parseDockerHost(text)
  } catch (error) {
    throw wrapError(`failed to parse endpoint ${text}`, error)
  }
}

/** https://www.rfc-editor.org/rfc/rfc9562#section-5.4 */
function randomUuid(host: BuilderHost): string {
  const bytes = host.random(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function freeName(store: StoreTransaction, host: BuilderHost): string {
  for (let attempt = 0; attempt < 6; attempt++) {
    const name = randomName(size => host.random(size), attempt)
    if (store.get(name) === undefined) return name
  }
  throw new SlipwayError('resource-exhausted', 'failed to generate random name')
}

/** `create --leave`: takes a node out of its builder. */
export async function leaveBuilder(
  host: BuilderHost,
  options: { readonly name: string; readonly node: string; readonly signal: AbortSignal },
): Promise<void> {
  if (options.name === '') throw invalid('leave requires instance name')
  if (options.node === '') throw invalid('leave requires node name')
  const { dir } = openPlaces(host)
  using store = await openStore(dir, options.signal)
  const group = store.get(options.name)
  if (group === undefined) {
    throw new SlipwayError('not-found', `failed to find instance ${JSON.stringify(options.name)} for leave`)
  }
  const left = leaveNode(group, options.node)
  removeBuilderRefs(dir, left.name, options.node)
  store.save(left, host.now())
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
