import { parseInt64 } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { ramInBytes } from '../../gostd/byte-units.ts'
import { invalid } from './attribute-csv.ts'

/** Limits for the processes that build steps run; numbers are int64. */
export interface Resources {
  readonly memory?: string
  readonly 'memory-swap'?: string
  readonly 'cpu-shares'?: bigint
  readonly 'cpu-period'?: bigint
  readonly 'cpu-quota'?: bigint
  readonly 'cpuset-cpus'?: string
  readonly 'cpuset-mems'?: string
}

/** Names of the limits in the order they are printed. */
export const resourceNames = [
  'memory',
  'memory-swap',
  'cpu-shares',
  'cpu-period',
  'cpu-quota',
  'cpuset-cpus',
  'cpuset-mems',
] as const

const numeric: readonly string[] = ['cpu-shares', 'cpu-period', 'cpu-quota']

/** Tells whether a limit is a number. */
export function isNumericResource(name: string): boolean {
  return numeric.includes(name)
}

/** The limits with one of them set from text. Throws `invalid-argument` in the words of bake. */
export function setResource(resources: Resources, name: string, value: string): Resources {
  if (!(resourceNames as readonly string[]).includes(name)) throw invalid(`unknown resources key ${name}`)
  if (!isNumericResource(name)) return { ...resources, [name]: value }
  try {
    return { ...resources, [name]: parseInt64(value, { base: 10 }) }
  } catch {
    throw invalid(`invalid value ${value} for int64 key resources.${name}`)
  }
}

/** The limits as `key=value` texts, in the order they are printed. */
export function writeResources(resources: Resources): string[] {
  return resourceNames.flatMap(name => (resources[name] === undefined ? [] : [`${name}=${resources[name]}`]))
}

/** The limits as the Dockerfile frontend gets them: sizes in bytes, -1 for a swap without end. */
export interface ResourceLimits {
  readonly memory?: number
  readonly memorySwap?: number
  readonly cpuShares?: bigint
  readonly cpuPeriod?: bigint
  readonly cpuQuota?: bigint
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
}

/**
 * The limits of `key=value` texts, as the flag `--resource` gives them; the last of a key wins.
 * Throws `invalid-argument` in buildx's words.
 */
export function parseResourceLimits(entries: readonly string[]): ResourceLimits {
  let limits: ResourceLimits = {}
  for (const entry of entries) {
    const at = entry.indexOf('=')
    if (at < 0) throw invalid(`invalid resource ${quote(entry)}, expected key=value`)
    limits = { ...limits, ...oneLimit(entry.slice(0, at).trim(), entry.slice(at + 1).trim()) }
  }
  return limits
}

function oneLimit(name: string, value: string): ResourceLimits {
  const read = <T>(parse: (text: string) => T): T => {
    try {
      return parse(value)
    } catch (e) {
      if (!(e instanceof SlipwayError)) throw e
      throw invalid(`invalid value ${quote(value)} for resource ${name}: ${e.message}`)
    }
  }
  const whole = (text: string): bigint => parseInt64(text, { base: 10 })
  switch (name) {
    case 'memory':
      return { memory: read(ramInBytes) }
    case 'memory-swap':
      return { memorySwap: value === '-1' ? -1 : read(ramInBytes) }
    case 'cpu-shares':
      return { cpuShares: read(whole) }
    case 'cpu-period':
      return { cpuPeriod: read(whole) }
    case 'cpu-quota':
      return { cpuQuota: read(whole) }
    case 'cpuset-cpus':
      return { cpusetCpus: value }
    case 'cpuset-mems':
      return { cpusetMems: value }
    default:
      throw invalid(`unknown resource ${quote(name)}`)
  }
}
