import { readFileSync, statSync } from 'node:fs'
import { basename, posix } from 'node:path'
import { parse, stringify, type TomlTable } from 'smol-toml'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { errnoOf } from '../sys/errno-error.ts'

/** Folder of a daemon's configuration inside its container. */
const configFolder = '/etc/buildkit'

/** Largest configuration or certificate file, bytes; what is beyond is not read. */
const mostBytes = 1024 * 1024

/** A daemon's configuration with everything it names. */
export interface DaemonFiles {
  /** By path below the daemon's configuration folder; `buildkitd.toml` is among them. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** `insecure-entitlements` of the configuration. */
  readonly entitlements: readonly string[]
}

/**
 * Reads a buildkitd.toml together with the certificates and keys of its registries, and rewrites their paths to where
 * they will lie in the container. Throws `not-found`, `invalid-argument`. Source: buildx v0.36.1 util/confutil/container.go
 */
export function loadDaemonFiles(path: string): DaemonFiles {
  const document = parseConfig(path)
  const files: Record<string, Uint8Array> = {}
  const copy = (source: string, folder: string, what: string): string => {
    const name = posix.join(folder, basename(source))
    files[name] = readLimited(source, `failed to read ${what} file: ${source}`)
    return posix.join(configFolder, name)
  }
  for (const [host, value] of Object.entries(tableOf(document['registry']))) {
    const registry = tableOf(value)
    if (value !== registry) {
      throw new SlipwayError('invalid-argument', `invalid registry config for ${JSON.stringify(host)}`)
    }
    const folder = posix.join('certs', host.replace(/[^a-zA-Z0-9.-]+/g, '_'))
    const ca = listOf(registry['ca']).filter(one => typeof one === 'string')
    if (ca.length > 0) registry['ca'] = ca.map(one => copy(one, folder, 'CA'))
    const pairs = listOf(registry['keypair']).map(tableOf)
    if (pairs.length > 0) registry['keypair'] = pairs.map(pair => copyPair(pair, folder, copy))
  }
  files['buildkitd.toml'] = Buffer.from(stringify(document))
  const entitlements = listOf(document['insecure-entitlements']).filter(one => typeof one === 'string')
  return { files, entitlements }
}

function copyPair(
  pair: TomlTable,
  folder: string,
  copy: (source: string, folder: string, what: string) => string,
): TomlTable {
  const copied: TomlTable = {}
  for (const [key, what] of [
    ['key', 'key'],
    ['cert', 'cert'],
  ] as const) {
    const source = pair[key]
    if (typeof source === 'string' && source !== '') copied[key] = copy(source, folder, what)
  }
  return copied
}

function parseConfig(path: string): TomlTable {
  const bytes = readLimited(path, `failed to read buildkit configuration file: ${path}`)
  try {
    return parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new SlipwayError(
      'invalid-argument',
      `failed to parse buildkit configuration file: ${path}: ${why}`,
      { cause },
    )
  }
}

function readLimited(path: string, what: string): Uint8Array {
  try {
    if (statSync(path).size > mostBytes)
      throw new SlipwayError('resource-exhausted', 'file is larger than 1 MiB')
    return readFileSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && what.includes('configuration')) {
      throw new SlipwayError(
        'not-found',
        `buildkit configuration file not found: ${path}: stat ${path}: no such file or directory`,
        { cause: error },
      )
    }
    throw wrapError(what, error)
  }
}

/** The value as a table to be changed in place; a new one where it is none. */
function tableOf(value: unknown): TomlTable {
  const isTable =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  return isTable ? (value as TomlTable) : {}
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
