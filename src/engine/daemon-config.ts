import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { RegistryConfig, RegistryConfigs } from '../registry/registry-config.ts'
import { checkConfig } from './check-config.ts'
import { tableOf } from './config-value.ts'

/** Settings of an engine, in the form of buildkitd.toml. */
export interface DaemonConfig {
  readonly registries: RegistryConfigs
  /** Privileges that builds may be given: `network.host`, `security.insecure`, `device`. */
  readonly insecureEntitlements: readonly string[]
  /** The whole document, for what is read elsewhere. */
  readonly document: Readonly<Record<string, unknown>>
}

/** No settings. */
export const emptyConfig: DaemonConfig = { registries: {}, insecureEntitlements: [], document: {} }

/**
 * Reads a configuration file. Unknown keys are left alone. Throws `invalid-argument` with the file and
 * the line and column, or the setting that is wrong.
 * Format: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md
 */
export function readDaemonConfig(path: string): DaemonConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (e) {
    throw new SlipwayError('not-found', `failed to read config ${path}`, {
      cause: e,
      hint: 'check SLIPWAY_CONFIG or --config',
    })
  }
  try {
    const document = parse(text)
    checkConfig(document)
    return configOf(document)
  } catch (e) {
    const message = e instanceof Error ? (e.message.split('\n')[0] ?? '') : String(e)
    throw new SlipwayError('invalid-argument', `failed to parse config ${path}: ${message}`, { cause: e })
  }
}

/** The settings that a document of that form makes. */
export function configOf(document: Readonly<Record<string, unknown>>): DaemonConfig {
  const registries: Record<string, RegistryConfig> = {}
  for (const [host, value] of Object.entries(tableOf(document['registry'])))
    registries[host] = registryOf(tableOf(value))
  return { registries, insecureEntitlements: texts(document['insecure-entitlements']), document }
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter(one => typeof one === 'string') : []

function registryOf(table: Readonly<Record<string, unknown>>): RegistryConfig {
  const keypair = (Array.isArray(table['keypair']) ? table['keypair'] : []).map(tableOf)
  return {
    mirrors: texts(table['mirrors']),
    // What is not said is left open: hosts on loopback may then speak plain HTTP.
    ...(typeof table['http'] === 'boolean' ? { http: table['http'] } : {}),
    insecure: table['insecure'] === true,
    ca: texts(table['ca']),
    keypair: keypair.map(pair => ({ key: textOf(pair['key']), cert: textOf(pair['cert']) })),
    tlsconfigdir: texts(table['tlsconfigdir']),
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
