import { SlipwayError } from '../../errors/slipway-error.ts'
import { bytesSize, ramInBytes } from '../../gostd/byte-units.ts'
import { parseInt64 } from '../../gostd/parse-number.ts'
import { anyZero, type FlagType } from '../../gostd/pflag/flag-type.ts'

/** A size with a binary unit (`128m`), in bytes. */
export const bytesType: FlagType<number> = {
  name: 'bytes',
  zero: 0,
  zeroTexts: anyZero,
  parse: ramInBytes,
  format: value => (value === 0 ? '0' : bytesSize(value)),
}

/** A limit of processes; -1 is unlimited. */
export interface Ulimit {
  readonly name: string
  readonly soft: bigint
  readonly hard: bigint
}

const ulimitNames: readonly string[] = [
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
]

/**
 * Reads `name=soft[:hard]`; throws `invalid-argument` in the words of go-units
 * (https://github.com/docker/go-units/blob/v0.5.0/ulimit.go).
 */
export function parseUlimit(text: string): Ulimit {
  const fail = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
  const equals = text.indexOf('=')
  if (equals < 0) throw fail(`invalid ulimit argument: ${text}`)
  const name = text.slice(0, equals)
  if (!ulimitNames.includes(name)) throw fail(`invalid ulimit type: ${name}`)
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

/** Limits by name; a later one replaces an earlier one of the same name. */
export const ulimitType: FlagType<readonly Ulimit[]> = {
  name: 'ulimit',
  zero: [],
  zeroTexts: anyZero,
  parse: (text, current) => {
    const limit = parseUlimit(text)
    return [...current.filter(other => other.name !== limit.name), limit].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )
  },
  format: limits => `[${limits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(' ')}]`,
}
