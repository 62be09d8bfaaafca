import { parseInt64 } from '../../gostd/parse-number.ts'
import { invalid } from './attribute-csv.ts'

/** A limit of one kernel resource; -1 is unlimited. */
export interface Ulimit {
  readonly name: string
  readonly soft: bigint
  readonly hard: bigint
}

const names: ReadonlySet<string> = new Set([
  'as',
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

/** Reads `name=soft[:hard]`. Throws `invalid-argument` in the words of go-units 0.5.0 (ulimit.go). */
export function parseUlimit(text: string): Ulimit {
  const at = text.indexOf('=')
  if (at < 0) throw invalid(`invalid ulimit argument: ${text}`)
  const name = text.slice(0, at)
  const [first = '', second, more] = text.slice(at + 1).split(':')
  if (first === '') throw invalid(`invalid ulimit argument: ${text}`)
  if (!names.has(name)) throw invalid(`invalid ulimit type: ${name}`)
  if (more !== undefined)
    throw invalid(
      `too many limit value arguments - ${text.slice(at + 1)}, can only have up to two, \`soft[:hard]\``,
    )
  const soft = parseInt64(first, { base: 10 })
  const hard = second === undefined ? soft : parseInt64(second, { base: 10 })
  if (hard !== -1n && (soft === -1n || soft > hard)) {
    const shown = soft === -1n ? 'unlimited' : soft
    throw invalid(
      soft === -1n
        ? `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`
        : `ulimit soft limit must be less than or equal to hard limit: ${shown} > ${hard}`,
    )
  }
  return { name, soft, hard }
}

/** The limit as `name=soft:hard`. */
export function writeUlimit({ name, soft, hard }: Ulimit): string {
  return `${name}=${soft}:${hard}`
}
