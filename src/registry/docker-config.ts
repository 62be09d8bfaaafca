import { SlipwayError } from '../errors/slipway-error.ts'
import {
  parseJson,
  readObject,
  readText,
  readTextMap,
  readTexts,
  type JsonObject,
} from '../oci/json-reader.ts'
import type { Credential } from './auth/credential.ts'

/** Proxy settings of one daemon or of all (`default`). */
export interface DockerProxy {
  readonly httpProxy?: string
  readonly httpsProxy?: string
  readonly noProxy?: string
  readonly ftpProxy?: string
  readonly allProxy?: string
}

/** What docker's `config.json` says about registries. Source: docker CLI docs, "Docker CLI configuration file". */
export interface DockerConfig {
  /** Credentials in the file itself, by the address they were entered with. */
  readonly auths: ReadonlyMap<string, Credential>
  /** Helper for everything without one of its own. */
  readonly credsStore?: string
  /** Helper by registry host. */
  readonly credHelpers: Readonly<Record<string, string>>
  readonly httpHeaders: Readonly<Record<string, string>>
  readonly proxies: ReadonlyMap<string, DockerProxy>
  readonly currentContext?: string
  /** `key=value` filters of everything that prunes. */
  readonly pruneFilters?: readonly string[]
}

/** The key under which docker keeps the credential of Docker Hub. */
export const dockerHubKey = 'https://index.docker.io/v1/'

/** A configuration with nothing in it. */
export const emptyDockerConfig: DockerConfig = {
  auths: new Map(),
  credHelpers: {},
  httpHeaders: {},
  proxies: new Map(),
}

/** Reads the text of `config.json`; `path` is for messages. Throws `invalid-argument`. */
export function parseDockerConfig(bytes: Uint8Array, path: string): DockerConfig {
  const object = readObject(parseJson(bytes, path), path)
  const credsStore = readText(object, 'credsStore', path)
  const currentContext = readText(object, 'currentContext', path)
  const pruneFilters = readTexts(object, 'pruneFilters', path)
  return {
    auths: entries(object, 'auths', path, parseAuth),
    credHelpers: readTextMap(object, 'credHelpers', path) ?? {},
    httpHeaders: readTextMap(object, 'HttpHeaders', path) ?? {},
    proxies: entries(object, 'proxies', path, parseProxy),
    ...(credsStore === undefined ? {} : { credsStore }),
    ...(currentContext === undefined ? {} : { currentContext }),
    ...(pruneFilters === undefined ? {} : { pruneFilters }),
  }
}

function entries<T>(
  object: JsonObject,
  name: string,
  path: string,
  parse: (entry: JsonObject, what: string) => T | undefined,
): Map<string, T> {
  const found = new Map<string, T>()
  for (const [key, value] of Object.entries(readObject(object[name], `${path}: ${name}`))) {
    const parsed = parse(readObject(value, `${path}: ${name}[${key}]`), `${path}: ${name}[${key}]`)
    if (parsed !== undefined) found.set(key, parsed)
  }
  return found
}

/** Undefined for an entry that only marks that a helper has the credential. */
function parseAuth(entry: JsonObject, what: string): Credential | undefined {
  const auth = readText(entry, 'auth', what)
  const [username, secret] =
    auth === undefined
      ? [readText(entry, 'username', what) ?? '', readText(entry, 'password', what) ?? '']
      : decodeAuth(auth, what)
  const identity = readText(entry, 'identitytoken', what)
  const registryToken = readText(entry, 'registrytoken', what)
  if (registryToken !== undefined) return { username, secret, registryToken }
  if (identity !== undefined) return { username: '', secret: identity }
  return username === '' && secret === '' ? undefined : { username, secret }
}

/** `base64(user:password)`; docker drops NUL bytes at the end of the password. */
function decodeAuth(auth: string, what: string): [username: string, secret: string] {
  const plain = Buffer.from(auth, 'base64').toString()
  const colon = plain.indexOf(':')
  if (colon < 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(auth)) {
    throw new SlipwayError('invalid-argument', `${what}: invalid auth configuration file`, {
      hint: 'log in again with `docker login`',
    })
  }
  return [plain.slice(0, colon), plain.slice(colon + 1).replace(/\0+$/, '')]
}

function parseProxy(entry: JsonObject, what: string): DockerProxy {
  const names = ['httpProxy', 'httpsProxy', 'noProxy', 'ftpProxy', 'allProxy'] as const
  return Object.fromEntries(
    names.flatMap(name => {
      const value = readText(entry, name, what)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/**
 * The credential in the file for a registry. `key` is a host, or `dockerHubKey`. Entries may have been written with
 * scheme and path; those count by their host.
 */
export function findAuth(config: DockerConfig, key: string): Credential | undefined {
  const exact = config.auths.get(key)
  if (exact !== undefined) return exact
  const host = hostOf(key)
  for (const [entry, credential] of config.auths) if (hostOf(entry) === host) return credential
  return undefined
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
}

/** The key under which docker keeps the credential of a host that is dialled. */
export function configKey(host: string): string {
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? dockerHubKey : host
}
