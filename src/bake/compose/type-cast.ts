import { quote } from '../../gostd/quote.ts'
import { type YamlValue, yamlFlag } from './yaml-value.ts'

/** Turns an interpolated text into what stands there; throws an `Error` in Go's words. */
export type Cast = (text: string, warn?: (line: string) => void) => YamlValue

const toInt: Cast = text => integer(text, 'Atoi')
const toInt64: Cast = text => integer(text, 'ParseInt')

function integer(text: string, call: string): bigint {
  if (!/^[-+]?[0-9]+$/.test(text)) throw new Error(`strconv.${call}: parsing ${quote(text)}: invalid syntax`)
  const value = BigInt(text.replace(/^\+/, ''))
  if (BigInt.asIntN(64, value) !== value)
    throw new Error(`strconv.${call}: parsing ${quote(text)}: value out of range`)
  return value
}

const toFloat: Cast = text => {
  if (!/^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(text))
    throw new Error(`strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`)
  return Number(text)
}

const toBoolean: Cast = (text, warn) => {
  const flag = yamlFlag(text, warn)
  if (flag === undefined) throw new Error(`invalid boolean: ${text}`)
  return flag
}

const casts: Readonly<Record<string, Cast>> = {}
const enter = (cast: Cast, ...paths: readonly string[]): void => {
  for (const path of paths) Object.assign(casts, { [path]: cast })
}
const service = (names: string): string[] => names.split(' ').map(name => `services.*.${name}`)
enter(
  toInt64,
  ...service(
    'cpu_count cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares oom_score_adj pids_limit',
  ),
)
enter(
  toFloat,
  ...service(
    'cpu_percent cpus deploy.update_config.max_failure_ratio deploy.rollback_config.max_failure_ratio',
  ),
)
enter(
  toInt,
  ...service('deploy.replicas deploy.update_config.parallelism deploy.rollback_config.parallelism'),
)
enter(
  toInt,
  ...service('deploy.restart_policy.max_attempts deploy.placement.max_replicas_per_node healthcheck.retries'),
)
enter(toInt, ...service('ports.[].target scale ulimits.* ulimits.*.hard ulimits.*.soft'))
enter(
  toBoolean,
  ...service('init depends_on.*.required depends_on.*.restart healthcheck.disable oom_kill_disable'),
)
enter(
  toBoolean,
  ...service('privileged read_only stdin_open tty volumes.[].read_only volumes.[].volume.nocopy'),
)
enter(toBoolean, 'networks.*.external', 'networks.*.internal', 'networks.*.attachable')
enter(toBoolean, 'networks.*.enable_ipv4', 'networks.*.enable_ipv6')
enter(toBoolean, 'volumes.*.external', 'secrets.*.external', 'configs.*.external')

/**
 * What a text at this path has to be, as compose knows it; undefined where any text will do.
 * Source: https://github.com/compose-spec/compose-go/blob/v2.14.0/loader/interpolate.go
 */
export function castFor(path: readonly string[]): Cast | undefined {
  // The names of services and the like stand for each other.
  const patterns = path.length === 2 ? [[path[0], '*']] : [[path[0], '*', ...path.slice(2)]]
  if (path.length >= 4) patterns.push([path[0], '*', path[2], '*', ...path.slice(4)])
  for (const pattern of patterns) {
    const cast = casts[pattern.join('.')]
    if (cast !== undefined) return cast
  }
  return undefined
}
