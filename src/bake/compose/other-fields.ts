import { SlipwayError } from '../../errors/slipway-error.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { portSpecProblem } from './port-spec.ts'
import { goTypeName, isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** Fields that are lists of texts, each entry of which counts once. */
const textLists = [
  'annotations',
  'cap_add',
  'cap_drop',
  'dns',
  'dns_opt',
  'dns_search',
  'labels',
  'links',
  'profiles',
  'sysctls',
  'tmpfs',
]

/**
 * Checks the fields of a service that bake has no use for as far as compose itself does when it spells out short forms.
 * Throws `invalid-argument` in its words.
 * Source: https://github.com/compose-spec/compose-go/blob/v2.14.0/transform/canonical.go
 */
export function checkOtherFields(service: YamlMap, path: string): void {
  for (const key of textLists) checkTexts(service.get(key), `${path}.${key}`)
  const deploy = service.get('deploy')
  if (isYamlMap(deploy)) checkTexts(deploy.get('labels'), `${path}.deploy.labels`)
  checkDependencies(service.get('depends_on'), `${path}.depends_on`)
  checkPorts(service.get('ports'), `${path}.ports`)
  each(service.get('volumes'), `${path}.volumes`, checkVolume)
  each(service.get('devices'), `${path}.devices`, checkDevice)
  for (const key of ['secrets', 'configs']) each(service.get(key), `${path}.${key}`, checkMount)
  each(service.get('expose'), `${path}.expose`, (entry, at) => {
    if (typeof entry !== 'string' && typeof entry !== 'bigint')
      throw invalid(`${at}: unsupported expose value ${goString(entry)}`)
  })
  const gpus = service.get('gpus')
  if (gpus !== undefined && typeof gpus !== 'string' && !isYamlList(gpus))
    throw invalid(`${path}.gpus: invalid type ${goTypeName(gpus)} for gpus`)
  const networks = service.get('networks')
  if (!isYamlMap(networks)) return
  for (const [name, network] of networks) {
    if (!isYamlMap(network)) continue
    for (const key of ['aliases', 'link_local_ips'])
      checkTexts(network.get(key), `${path}.networks.${name}.${key}`)
  }
}

function each(
  value: YamlValue | undefined,
  path: string,
  check: (entry: YamlValue, at: string) => void,
): void {
  if (isYamlList(value)) value.forEach((entry, i) => check(entry, `${path}.[${i}]`))
}

function checkTexts(value: YamlValue | undefined, path: string): void {
  each(value, path, (entry, at) => {
    if (typeof entry !== 'string') throw invalid(`${at}: unexpected type ${goTypeName(entry)}`)
  })
}

function checkDependencies(value: YamlValue | undefined, path: string): void {
  if (value === undefined || isYamlList(value)) return
  if (!isYamlMap(value)) throw invalid(`${path}: invalid type ${goTypeName(value)} for depend_on`)
  for (const [name, rule] of value) {
    if (isYamlMap(rule)) continue
    throw invalid(`${path}.${name}: unsupported value ${goString(value)}`)
  }
}

/** A value as Go's `%s` writes it. */
function goString(value: YamlValue, isInside = false): string {
  if (typeof value === 'string') return value
  if (value === null) return isInside ? '<nil>' : '%!s(<nil>)'
  if (isYamlList(value)) return `[${value.map(v => goString(v, true)).join(' ')}]`
  if (!isYamlMap(value)) return `%!s(${goTypeName(value)}=${scalarText(value)})`
  return `map[${[...value]
    .sort(([a], [b]) => compareText(a, b))
    .map(([k, v]) => `${k}:${goString(v, true)}`)
    .join(' ')}]`
}

function checkPorts(value: YamlValue | undefined, path: string): void {
  if (value === undefined) return
  if (!isYamlList(value)) throw invalid(`${path}: invalid type ${goTypeName(value)} for port`)
  value.forEach((entry, i) => {
    if (isYamlMap(entry) && !entry.has('target'))
      throw invalid(`service ports ${path}.[${i}] is missing a target port`)
    if (!isYamlMap(entry) && typeof entry !== 'string' && typeof entry !== 'bigint')
      throw invalid(`${path}: invalid type ${goTypeName(entry)} for port`)
    const problem = isYamlMap(entry) ? undefined : portSpecProblem(scalarText(entry))
    if (problem !== undefined) throw invalid(problem)
  })
}

function checkVolume(entry: YamlValue, at: string): void {
  if (isYamlMap(entry) && typeof entry.get('target') !== 'string')
    throw invalid(`service volume ${at} is missing a mount target`)
  if (isYamlMap(entry) && entry.get('type') === 'bind' && !entry.has('source'))
    throw invalid('invalid mount config for type "bind": field Source must not be empty')
  if (entry === '') throw invalid('invalid empty volume spec')
  if (!isYamlMap(entry) && typeof entry !== 'string')
    throw invalid(`${at.replace(/\d+\]$/, ']')}: invalid type ${goTypeName(entry)} for service volume mount`)
}

function checkDevice(entry: YamlValue, at: string): void {
  if (isYamlMap(entry) && typeof entry.get('target') !== 'string')
    throw invalid(`service device ${at} is missing a mount target`)
  if (typeof entry === 'string' && entry.split(':').length > 3)
    throw invalid(`confusing device mapping, please use long syntax: ${entry}`)
  if (!isYamlMap(entry) && typeof entry !== 'string')
    throw invalid(`${at.replace(/\d+\]$/, ']')}: invalid type ${goTypeName(entry)} for service volume mount`)
}

function checkMount(entry: YamlValue, at: string): void {
  if (!isYamlMap(entry) && typeof entry !== 'string')
    throw invalid(`${at}: unsupported expose value ${goString(entry)}`)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
