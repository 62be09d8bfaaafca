import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { parseInt64 } from '../gostd/parse-number.ts'
import { quote } from '../gostd/quote.ts'
import type { LinuxResources } from '../llb/options.ts'
import { type Attributes, attribute } from './attributes.ts'

const maxUint64 = 2n ** 64n - 1n

/** Limits of memory and processors for RUN; undefined where there are none. Throws `invalid-argument`. */
export function parseLinuxResources(attributes: Attributes): LinuxResources | undefined {
  const resources: LinuxResources = {
    memory: positive(attributes, 'memory'),
    memorySwap: memorySwap(attributes),
    cpuShares: positive(attributes, 'cpushares', maxUint64),
    cpuPeriod: positive(attributes, 'cpuperiod', maxUint64),
    cpuQuota: positive(attributes, 'cpuquota'),
    cpusetCpus: cpuset(attributes, 'cpusetcpus'),
    cpusetMems: cpuset(attributes, 'cpusetmems'),
  }
  const isEmpty = Object.values(resources).every(value => value === 0n || value === '')
  return isEmpty ? undefined : resources
}

function positive(attributes: Attributes, key: string, max?: bigint): bigint {
  const text = attribute(attributes, key) ?? ''
  if (text === '') return 0n
  const number = readNumber(key, text, max)
  if (number <= 0n) throw invalid(`invalid ${key} value: ${text}: must be > 0`)
  return number
}

function memorySwap(attributes: Attributes): bigint {
  const text = attribute(attributes, 'memswap') ?? ''
  if (text === '') return 0n
  const number = readNumber('memswap', text)
  if (number < -1n || number === 0n) {
    throw invalid(`invalid memswap value: ${text}: must be -1 (unlimited) or > 0`)
  }
  return number
}

const decimal = { base: 10 } as const

function readNumber(key: string, text: string, max?: bigint): bigint {
  try {
    return max === undefined
      ? parseInt64(text, decimal)
      : parseInt64(text, { ...decimal, min: 0n, max, func: 'ParseUint' })
  } catch (error) {
    throw wrapError(`invalid ${key} value: ${text}`, error)
  }
}

const maxCpu = 8192

/** Checks a list of processors such as `0-3,5`; it is passed on as text. */
function cpuset(attributes: Attributes, key: string): string {
  const text = attribute(attributes, key) ?? ''
  try {
    for (const part of text.split(',')) checkCpus(part.trim())
  } catch (error) {
    throw wrapError(`invalid ${key} value: ${text}`, asSlipwayError(error))
  }
  return text
}

function checkCpus(part: string): void {
  if (part === '') return
  const [low = '', high] = part.split(/-(.*)/s)
  const kind = high === undefined ? 'element' : 'range'
  const bounds = high === undefined ? [low] : [low.trim(), high.trim()]
  const numbers = bounds.map(text => (/^[+-]?[0-9]+$/.test(text) ? Number(text) : -1))
  const [first = -1, last = first] = numbers
  if (first < 0 || last < first) throw invalid(`invalid cpuset ${kind} ${quote(part)}`)
  if (last > maxCpu) throw invalid(`cpuset ${kind} ${quote(part)} exceeds maximum ${maxCpu}`)
}

const ulimitNames =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'

/** Reads `nofile=1024:2048,nproc=3`. Throws `invalid-argument`. */
export function parseUlimits(text: string) {
  return text === '' ? [] : csvFields(text).map(parseUlimit)
}

function parseUlimit(field: string): { name: string; soft: bigint; hard: bigint } {
  const at = field.indexOf('=')
  if (at < 0) throw invalid(`invalid ulimit argument: ${field}`)
  const name = field.slice(0, at)
  if (!ulimitNames.split(' ').includes(name)) throw invalid(`invalid ulimit type: ${name}`)
  const limits = field.slice(at + 1)
  const [first = '', second, ...more] = limits.split(':')
  if (more.length > 0) {
    throw invalid(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``)
  }
  const given = second === undefined ? undefined : parseInt64(second, decimal)
  const soft = parseInt64(first, decimal)
  const hard = given ?? soft
  if (hard !== -1n && (soft === -1n || soft > hard)) {
    const facts = soft === -1n ? `soft: -1 (unlimited), hard: ${hard}` : `${soft} > ${hard}`
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${facts}`)
  }
  return { name, soft, hard }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
