import { SlipwayError } from '../../errors/slipway-error.ts'

/** One plugin's configuration: `type` names the program, the rest is for the program. */
export interface CniPlugin {
  readonly type: string
  readonly [key: string]: unknown
}

/** A network: a chain of plugins. */
export interface CniNetwork {
  readonly name: string
  readonly cniVersion: string
  readonly plugins: readonly CniPlugin[]
}

/**
 * Reads a configuration list, or a single plugin's configuration as a list of one. Throws `invalid-argument`.
 * Source: CNI specification 1.0.0, section 1.
 */
export function parseCniNetwork(text: string): CniNetwork {
  const value = parse(text)
  const list = value['plugins']
  const plugins = Array.isArray(list) ? (list as unknown[]) : [value]
  const cniVersion = typeof value['cniVersion'] === 'string' ? value['cniVersion'] : '0.1.0'
  const name = value['name']
  if (typeof name !== 'string' || name === '') throw invalid('no name')
  if (!plugins.every(isPlugin) || plugins.length === 0) throw invalid('a plugin without a type')
  return { name, cniVersion, plugins }
}

/** The type becomes the name of a program, so it is no path. */
function isPlugin(value: unknown): value is CniPlugin {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  return typeof value.type === 'string' && /^[\w.-]+$/.test(value.type) && !value.type.startsWith('.')
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'failed to parse cni config: not JSON', { cause })
  }
  throw invalid('not an object')
}

function invalid(reason: string): SlipwayError {
  return new SlipwayError('invalid-argument', `failed to parse cni config: ${reason}`)
}

/** What a plugin reads on standard input: its configuration with the network's name and the result so far. */
export function pluginInput(network: CniNetwork, plugin: CniPlugin, previous: unknown): string {
  return JSON.stringify({
    ...plugin,
    name: network.name,
    cniVersion: network.cniVersion,
    ...(previous === undefined ? {} : { prevResult: previous }),
  })
}
