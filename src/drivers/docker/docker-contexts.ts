import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { member, parseJson, readFlag, readObject, readText } from '../../oci/json-reader.ts'
import {
  type DockerProxy,
  type DockerConfig,
  emptyDockerConfig,
  parseDockerConfig,
} from '../../registry/docker-config.ts'
import { defaultDockerHost, type DockerEndpoint, parseDockerHost, readTlsFolder } from './docker-endpoint.ts'

export type { DockerProxy } from '../../registry/docker-config.ts'

/** What decides about docker's contexts: the environment, and flags that stand before a plugin's name. */
export interface DockerSettings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `--config`. */
  readonly config?: string | undefined
  /** `--context`. */
  readonly context?: string | undefined
  /** `--host`. */
  readonly host?: string | undefined
  readonly tls?: boolean
  readonly tlsVerify?: boolean | undefined
  readonly tlsCaCert?: string | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
}

/** Docker's contexts, as they stood when they were read. */
export interface DockerContexts {
  /** Folder of docker's configuration. */
  readonly configDir: string
  readonly config: DockerConfig
  /** Name of the context in use; `default` is the one of DOCKER_HOST. */
  readonly current: string
  /** It was named, by flag, variable or `docker context use`, or DOCKER_HOST says where docker is. */
  readonly isChosen: boolean
  /** Why the context in use is none. */
  readonly missing: SlipwayError | undefined
  /** Names, sorted; `default` is always among them. */
  readonly names: readonly string[]
  /** Undefined where there is no such context. Throws `invalid-argument` for a broken one. */
  endpoint(name: string): DockerEndpoint | undefined
  /** The name of the context in use; the address for the one of DOCKER_HOST. */
  readonly currentEndpoint: string
  /** The proxies that builds against an address shall use. */
  proxyFor(host: string): DockerProxy | undefined
}

/** The folder of docker's configuration. */
export function dockerConfigDir(settings: DockerSettings): string {
  const { env } = settings
  return settings.config ?? (env['DOCKER_CONFIG'] || join(env['HOME'] || '/', '.docker'))
}

/**
 * Reads what docker knows about contexts; `warn` is told of a broken configuration. Layout and order of precedence:
 * https://github.com/docker/cli/blob/v29.1.3/cli/command/cli.go, https://github.com/docker/cli/blob/v29.1.3/cli/context/store/doc.go
 */
export function readDockerContexts(
  settings: DockerSettings,
  warn: (line: string) => void = () => {},
): DockerContexts {
  const configDir = dockerConfigDir(settings)
  const { env } = settings
  const config = readConfig(join(configDir, 'config.json'), warn)
  const stored = config.currentContext === 'default' ? undefined : config.currentContext
  const hostChosen = settings.host !== undefined || (env['DOCKER_HOST'] ?? '') !== ''
  const chosen = settings.context ?? (hostChosen ? 'default' : env['DOCKER_CONTEXT'] || stored)
  const current = chosen ?? 'default'
  const defaultEndpoint = endpointOfEnvironment(settings, configDir)
  const metas = new Map(readMetas(configDir).map(meta => [meta.name, meta]))
  const endpoint = (name: string): DockerEndpoint | undefined =>
    name === 'default' ? defaultEndpoint : endpointOf(metas.get(name), configDir)
  return {
    configDir,
    config,
    current,
    missing: current === 'default' || metas.has(current) ? undefined : missingContext(current, configDir),
    isChosen: hostChosen || current !== 'default',
    names: [...new Set(['default', ...metas.keys()])].sort(),
    endpoint,
    currentEndpoint: current === 'default' ? defaultEndpoint.host : current,
    proxyFor: host => config.proxies.get(host) ?? config.proxies.get('default'),
  }
}

function missingContext(name: string, configDir: string): SlipwayError {
  const path = join(configDir, 'contexts', 'meta', contextId(name), 'meta.json')
  return new SlipwayError(
    'not-found',
    `unable to resolve docker endpoint: context ${JSON.stringify(name)}: context not found: open ${path}: no such file or directory`,
    { hint: 'see `docker context ls` for the contexts there are' },
  )
}

/** A broken configuration is told and then taken for an empty one, as docker does. */
function readConfig(path: string, warn: (line: string) => void): DockerConfig {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return emptyDockerConfig
  }
  try {
    return parseDockerConfig(bytes, path)
  } catch (error) {
    warn(
      `WARNING: Error parsing config file (${path}): ${error instanceof Error ? error.message : String(error)}`,
    )
    return emptyDockerConfig
  }
}

interface Meta {
  readonly name: string
  readonly path: string
  readonly endpoints: Readonly<Record<string, unknown>>
}

function readMetas(configDir: string): Meta[] {
  const folder = join(configDir, 'contexts', 'meta')
  let ids: string[]
  try {
    ids = readdirSync(folder)
  } catch {
    return []
  }
  return ids.flatMap(id => {
    const path = join(folder, id, 'meta.json')
    try {
      const object = readObject(parseJson(readFileSync(path), path), path)
      const name = readText(object, 'Name', path)
      return name === undefined
        ? []
        : [{ name, path, endpoints: readObject(member(object, 'Endpoints'), path) }]
    } catch {
      // A context that cannot be read is none; docker itself will tell what is wrong with it.
      return []
    }
  })
}

const contextId = (name: string): string => createHash('sha256').update(name).digest('hex')

function endpointOf(meta: Meta | undefined, configDir: string): DockerEndpoint | undefined {
  if (meta === undefined) return undefined
  const docker = readObject(member(meta.endpoints, 'docker'), meta.path)
  const host = readText(docker, 'Host', meta.path)
  const skipVerify = readFlag(docker, 'SkipTLSVerify', meta.path)
  const tls = readTlsFolder(join(configDir, 'contexts', 'tls', contextId(meta.name), 'docker'), skipVerify)
  const wanted = tls ?? (skipVerify ? { skipVerify } : undefined)
  return { host: host ?? defaultDockerHost, ...(wanted === undefined ? {} : { tls: wanted }) }
}

/** Docker's client takes no daemon's certificate without the CA that it is told of. */
function missingCa(path: string): SlipwayError {
  return new SlipwayError('not-found', `open ${path}: no such file or directory`, {
    hint: 'DOCKER_TLS_VERIFY (or --tls, --tlsverify) wants the CA of the daemon there; DOCKER_CERT_PATH names another folder',
  })
}

function endpointOfEnvironment(settings: DockerSettings, configDir: string): DockerEndpoint {
  const { env } = settings
  const given = settings.host ?? (env['DOCKER_HOST'] || undefined)
  const verify = settings.tlsVerify ?? (env['DOCKER_TLS_VERIFY'] ?? '') !== ''
  const wantsTls =
    verify || settings.tls === true || (env['DOCKER_TLS'] ?? '') !== '' || settings.tlsVerify === false
  const host = given === undefined ? defaultDockerHost : parseDockerHost(given)
  if (!wantsTls || !host.startsWith('tcp://')) return { host }
  const folder = env['DOCKER_CERT_PATH'] || configDir
  const tls = readTlsFolder(folder, !verify)
  const named = (path: string | undefined): Uint8Array | undefined =>
    path === undefined ? undefined : readFileSync(path)
  const ca = named(settings.tlsCaCert) ?? tls?.ca
  const cert = named(settings.tlsCert) ?? tls?.cert
  const key = named(settings.tlsKey) ?? tls?.key
  return {
    host,
    ...(ca === undefined ? { problem: missingCa(join(folder, 'ca.pem')) } : {}),
    tls: {
      skipVerify: !verify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  }
}
