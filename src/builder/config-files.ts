import { closeSync, openSync, readSync } from 'node:fs'
import { basename, posix } from 'node:path'
import { parse, type TomlTable } from 'smol-toml'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { errnoOf, goErrnoText } from '../sys/errno-error.ts'
import { formatToml } from './format-toml.ts'

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
    files[name] = readNamed(source, what)
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
  files['buildkitd.toml'] = Buffer.from(formatToml(document))
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
  let bytes: Uint8Array
  try {
    bytes = readLimited(path)
  } catch (error) {
    const why = goErrnoText(error, 'read', path) ?? (error instanceof Error ? error.message : String(error))
    if (errnoOf(error) !== 'ENOENT') throw unreadable(why, error)
    const missing = `buildkit configuration file not found: ${path}: stat ${path}: no such file or directory`
    throw new SlipwayError('not-found', missing, { cause: error })
  }
  try {
    return parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw unreadable(`${path}: ${why.replace(/^Invalid TOML document: /, '')}`, cause)
  }
}

function unreadable(why: string, cause: unknown): SlipwayError {
  return new SlipwayError('invalid-argument', `failed to parse config: toml: ${why}`, { cause })
}

/** Reads to the end, whatever the file is: a pipe says nothing of its size, and a device may have no end. */
function readLimited(path: string): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    let size = 0
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024)
      const read = readSync(file, chunk)
      if (read === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, read))
      size += read
      if (size > mostBytes) throw new SlipwayError('resource-exhausted', `${path} is larger than 1 MiB`)
    }
  } finally {
    closeSync(file)
  }
}

/** Reads a file that the configuration names. */
function readNamed(path: string, what: string): Uint8Array {
  try {
    return readLimited(path)
  } catch (error) {
    throw wrapError(`failed to read ${what} file: ${path}`, goErrnoText(error, 'open') ?? error)
  }
}

/** The value as a table to be changed in place; a new one where it is none. */
function tableOf(value: unknown): TomlTable {
  const isTable =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  return isTable ? (value as TomlTable) : {}
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
