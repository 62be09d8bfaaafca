import { SlipwayError } from '../../errors/slipway-error.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

type Merge = (base: YamlValue, over: YamlValue, path: readonly string[]) => YamlValue

/** Merges a later compose document over an earlier one, by the rules of compose for the parts of it that bake uses. */
export function mergeCompose(base: YamlMap, over: YamlMap, path: readonly string[] = []): YamlMap {
  const merged = new Map(base)
  for (const [key, value] of over) {
    const before = merged.get(key)
    merged.set(key, before === undefined ? value : mergeValue(before, value, [...path, key]))
  }
  return merged
}

/** The document without the given paths. */
export function clearPaths(document: YamlMap, paths: readonly (readonly string[])[]): YamlMap {
  return paths.reduce<YamlMap>((d, path) => clearPath(d, path), document)
}

function clearPath(document: YamlMap, [first, ...rest]: readonly string[]): YamlMap {
  if (first === undefined || !document.has(first)) return document
  const out = new Map(document)
  const inner = out.get(first)
  if (rest.length === 0) out.delete(first)
  else if (isYamlMap(inner)) out.set(first, clearPath(inner, rest))
  return out
}

const special: Readonly<Record<string, Merge>> = {
  'services.*.build': (base, over, path) => mergeCompose(buildMap(base), buildMap(over), path),
  'services.*.build.args': joinLists,
  'services.*.build.additional_contexts': joinLists,
  'services.*.build.labels': joinLists,
  'services.*.build.extra_hosts': (base, over) => {
    const first = asList(base)
    return [...first, ...asList(over).filter(v => !first.includes(v))]
  },
  'services.*.env_file': joinLists,
  'services.*.environment': joinLists,
  'services.*.command': (_, over) => over,
  'services.*.entrypoint': (_, over) => over,
  'services.*.healthcheck.test': (_, over) => over,
  'services.*.depends_on': looseMerge,
  'services.*.networks': looseMerge,
  'services.*.models': looseMerge,
  'services.*.logging': looseMerge,
  'services.*.labels': joinLists,
  'services.*.annotations': joinLists,
  'services.*.dns': joinLists,
  'services.*.dns_opt': joinLists,
  'services.*.dns_search': joinLists,
  'services.*.extra_hosts': joinLists,
  'services.*.label_file': joinLists,
  'services.*.sysctls': joinLists,
  'services.*.tmpfs': joinLists,
  'services.*.deploy.labels': joinLists,
  'networks.*.labels': joinLists,
  'volumes.*.labels': joinLists,
}

function mergeValue(base: YamlValue, over: YamlValue, path: readonly string[]): YamlValue {
  const pattern = path.map((part, i) => (i === 1 ? '*' : part)).join('.')
  const merge = Object.hasOwn(special, pattern) ? special[pattern] : undefined
  if (merge !== undefined) return merge(base, over, path)
  if (over === null) return base
  if (isYamlMap(base)) {
    if (!isYamlMap(over)) throw cannotOverride(path)
    return mergeCompose(base, over, path)
  }
  if (isYamlList(base)) {
    if (!isYamlList(over)) throw cannotOverride(path)
    return [...base, ...over]
  }
  return over
}

function cannotOverride(path: readonly string[]): SlipwayError {
  return new SlipwayError('invalid-argument', `cannot override ${path.join('.')}`)
}

/** For parts that a build does not use: mappings are merged, anything else is replaced. */
function looseMerge(base: YamlValue, over: YamlValue, path: readonly string[]): YamlValue {
  return isYamlMap(base) && isYamlMap(over) ? mergeCompose(base, over, path) : over
}

function buildMap(build: YamlValue): YamlMap {
  return isYamlMap(build) ? build : new Map(typeof build === 'string' ? [['context', build]] : [])
}

function joinLists(base: YamlValue, over: YamlValue): YamlValue {
  return [...asList(base), ...asList(over)]
}

/** A mapping as a sorted list of `key=value`, a text as a list of one. */
export function asList(value: YamlValue): readonly YamlValue[] {
  if (isYamlList(value)) return value
  if (isYamlMap(value)) {
    return [...value]
      .flatMap(([k, v]) =>
        v === null ? [k] : isYamlList(v) ? v.map(e => `${k}=${scalarText(e)}`) : [`${k}=${scalarText(v)}`],
      )
      .sort(compareText)
  }
  return value === null ? [] : [scalarText(value)]
}
