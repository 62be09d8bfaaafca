import { SlipwayError } from '../../errors/slipway-error.ts'
import { checkOtherFields } from './other-fields.ts'
import {
  goPrint,
  goTypeName,
  isYamlList,
  isYamlMap,
  scalarText,
  type YamlMap,
  type YamlValue,
} from './yaml-value.ts'

/**
 * The document with the short forms of what bake uses spelled out: `build: .`, `ssh: [default]`, secrets given by name.
 * Throws `invalid-argument` in compose's words for what has no long form.
 */
export function canonicalCompose(document: YamlMap, warn?: (line: string) => void): YamlMap {
  return mapValues(document, (section, key) => {
    if (!isYamlMap(section)) return section
    if (key === 'services') return mapValues(section, canonicalService)
    if (!['networks', 'volumes', 'secrets', 'configs'].includes(key)) return section
    return mapValues(section, (value, name) => externalName(value, `${key}.${name}`, warn))
  })
}

/** `external: {name: x}`, as older files have it, is `external: true` with a name. */
function externalName(value: YamlValue, path: string, warn?: (line: string) => void): YamlValue {
  const external = isYamlMap(value) ? value.get('external') : undefined
  if (!isYamlMap(value) || !isYamlMap(external)) return value
  const out = new Map(value).set('external', true)
  const given = external.get('name')
  if (given === undefined) return out
  warn?.(`${path}: external.name is deprecated. Please set name and external: true`)
  if (!value.has('name')) return out.set('name', given)
  if (value.get('name') === given) return out
  throw invalid(`${path}: name and external.name conflict; only use name`)
}

function mapValues(map: YamlMap, change: (value: YamlValue, key: string) => YamlValue): YamlMap {
  return new Map([...map].map(([k, v]) => [k, change(v, k)]))
}

function canonicalService(service: YamlValue, name: string): YamlValue {
  if (!isYamlMap(service)) return service
  const path = `services.${name}`
  checkOtherFields(service, path)
  return mapValues(service, (value, key) => {
    if (key === 'build') return canonicalBuild(value, `${path}.build`)
    if (key === 'environment' && isYamlList(value)) return uniqueTexts(value, `${path}.environment`)
    return key === 'env_file' ? envFiles(value, `${path}.env_file`) : value
  })
}

function envFiles(value: YamlValue, path: string): YamlValue {
  const one = (v: YamlValue): YamlValue => (typeof v === 'string' ? new Map([['path', v]]) : v)
  if (typeof value === 'string') return [one(value)]
  if (!isYamlList(value)) throw invalid(`${path}: invalid type ${goTypeName(value)} for env_file`)
  for (const [i, entry] of value.entries())
    if (isYamlMap(entry) && !entry.has('path'))
      throw invalid(`environment path attribute ${path}.[${i}] is missing`)
  return value.map(one)
}

function canonicalBuild(build: YamlValue, path: string): YamlValue {
  if (typeof build === 'string') return new Map([['context', build]])
  if (!isYamlMap(build)) throw invalid(`${path}: invalid type ${goTypeName(build)} for build`)
  return mapValues(build, (value, key) => canonicalField(value, key, `${path}.${key}`))
}

function canonicalField(value: YamlValue, key: string, path: string): YamlValue {
  switch (key) {
    case 'provenance':
    case 'sbom':
      return goPrint(value)
    case 'additional_contexts':
      return keyValues(value, path)
    case 'ssh':
      return sshKeys(value, path)
    case 'secrets':
      return isYamlList(value)
        ? value.map(v => (typeof v === 'string' ? new Map([['source', v]]) : v))
        : value
    case 'ulimits':
      if (isYamlMap(value)) for (const [name, limit] of value) checkUlimit(limit, `${path}.${name}`)
      return value
    case 'args':
    case 'labels':
    case 'tags':
      return isYamlList(value) ? uniqueTexts(value, path) : value
    default:
      return value
  }
}

/** A list in which the last entry of each key (what stands before `=`) takes the place of the first one. */
function uniqueTexts(list: readonly YamlValue[], path: string): readonly YamlValue[] {
  const found = new Map<string, YamlValue>()
  for (const [i, entry] of list.entries()) {
    if (typeof entry !== 'string') throw invalid(`${path}.[${i}]: unexpected type ${goTypeName(entry)}`)
    found.set(entry.split('=', 1)[0] ?? '', entry)
  }
  return [...found.values()]
}

function checkUlimit(limit: YamlValue, path: string): void {
  if (!isYamlMap(limit) && typeof limit !== 'bigint')
    throw invalid(`${path}: invalid type ${goTypeName(limit)} for external`)
}

function keyValues(value: YamlValue, path: string): YamlValue {
  if (isYamlMap(value)) return value
  if (!isYamlList(value)) throw invalid(`${path}: invalid type ${goTypeName(value)}`)
  return new Map(
    value.map((entry): [string, YamlValue] => {
      const text = scalarText(entry)
      const at = text.indexOf('=')
      if (at < 0) throw invalid(`${path}: invalid value ${text}, expected key=value`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function sshKeys(value: YamlValue, path: string): YamlValue {
  if (isYamlMap(value)) return value
  if (!isYamlList(value)) throw invalid(`${path}: invalid type ${goTypeName(value)} for ssh`)
  return new Map(
    value.map((entry): [string, YamlValue] => {
      if (typeof entry !== 'string') throw invalid(`invalid ssh key type ${goTypeName(entry)}`)
      const at = entry.indexOf('=')
      if (at >= 0) return [entry.slice(0, at), entry.slice(at + 1)]
      if (entry !== 'default') throw invalid(`invalid ssh key ${JSON.stringify(entry)}`)
      return [entry, null]
    }),
  )
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
