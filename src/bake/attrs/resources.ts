import { parseInt64 } from '../../gostd/parse-number.ts'
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
