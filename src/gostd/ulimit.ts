import { SlipwayError } from '../errors/slipway-error.ts'
import { parseInt64 } from './parse-number.ts'

/** A limit of processes; -1 is unlimited. */
export interface Ulimit {
  readonly name: string
  readonly soft: bigint
  readonly hard: bigint
}

const names: ReadonlySet<string> = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
])

/**
 * Reads `name=soft[:hard]`; throws `invalid-argument` in the words of go-units
 * (https://github.com/docker/go-units/blob/v0.5.0/ulimit.go).
 */
export function parseUlimit(text: string): Ulimit {
  const fail = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
  const equals = text.indexOf('=')
  if (equals < 0) throw fail(`invalid ulimit argument: ${text}`)
  const name = text.slice(0, equals)
  if (!names.has(name)) throw fail(`invalid ulimit type: ${name}`)
  const limits = text.slice(equals + 1).split(':')
  if (limits.length > 2) {
    const given = text.slice(equals + 1)
    throw fail(`too many limit value arguments - ${given}, can only have up to two, \`soft[:hard]\``)
  }
  const number = (limit: string): bigint => parseInt64(limit, { base: 10 })
  const second = limits[1] === undefined ? undefined : number(limits[1])
  const soft = number(limits[0] ?? '')
  const hard = second ?? soft
  const mustBeLess = 'ulimit soft limit must be less than or equal to hard limit'
  if (hard !== -1n && soft === -1n) throw fail(`${mustBeLess}: soft: -1 (unlimited), hard: ${hard}`)
  if (hard !== -1n && soft > hard) throw fail(`${mustBeLess}: ${soft} > ${hard}`)
  return { name, soft, hard }
}

/** The limit as `name=soft:hard`. */
export function writeUlimit({ name, soft, hard }: Ulimit): string {
  return `${name}=${soft}:${hard}`
}
