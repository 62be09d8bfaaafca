import { SlipwayError } from '../../errors/slipway-error.ts'
import { distinctCaches, parseCacheEntries } from '../attrs/cache-entry.ts'
import { distinctExports, parseExportEntries } from '../attrs/export-entry.ts'
import { distinctSecrets, parseSecretEntries } from '../attrs/secret-entry.ts'
import { compareSsh, distinctSsh, parseSshEntries } from '../attrs/ssh-entry.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { distinctTexts } from '../merge-target.ts'
import type { Target } from '../target.ts'
import { isYamlList, isYamlMap, scalarText, type YamlMap, type YamlValue } from './yaml-value.ts'

/** The target with what `x-bake` under `build` adds. */
export function applyXBake(
  target: Target,
  extension: YamlValue | undefined,
  contextsOf: (m: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
): Target {
  if (extension === undefined || extension === null) return target
  if (!isYamlMap(extension)) throw wrong(extension, 'bake.xbake', 1)
  const list = (key: string): readonly string[] => texts(key, extension)
  const flag = (key: string): boolean | undefined => readFlag(key, extension)
  const out: { -readonly [K in keyof Target]: Target[K] } = { ...target }
  const add = <T>(
    before: readonly T[] | undefined,
    more: readonly T[],
    distinct: (all: readonly T[]) => T[],
  ): T[] => distinct([...(before ?? []), ...more])
  const tags = list('tags')
  if (tags.length > 0) out.tags = add(out.tags, tags, distinctTexts)
  const from = list('cache-from')
  if (from.length > 0) out.cacheFrom = add(out.cacheFrom, parseCacheEntries(from), distinctCaches)
  const to = list('cache-to')
  if (to.length > 0) out.cacheTo = add(out.cacheTo, parseCacheEntries(to), distinctCaches)
  const secrets = list('secret')
  if (secrets.length > 0) out.secrets = add(out.secrets, parseSecretEntries(secrets), distinctSecrets)
  const ssh = list('ssh')
  if (ssh.length > 0) out.ssh = add(out.ssh, parseSshEntries(ssh), distinctSsh).sort(compareSsh)
  const platforms = list('platforms')
  if (platforms.length > 0) out.platforms = add(out.platforms, platforms, distinctTexts)
  const outputs = list('output')
  if (outputs.length > 0) out.outputs = add(out.outputs, parseExportEntries(outputs), distinctExports)
  const filter = list('no-cache-filter')
  if (filter.length > 0) out.noCacheFilter = add(out.noCacheFilter, filter, distinctTexts)
  const pull = flag('pull')
  if (pull !== undefined) out.pull = pull
  const noCache = flag('no-cache')
  if (noCache !== undefined) out.noCache = noCache
  const contexts = extension.get('contexts')
  if (contexts !== undefined && contexts !== null && !isYamlMap(contexts))
    throw wrong(contexts, 'bake.stringMap', lineOf('contexts', extension))
  if (isYamlMap(contexts) && contexts.size > 0) {
    const more = contextsOf(new Map([...contexts].map(([k, v]) => [k, scalarText(v)])))
    out.contexts = new Map([...more, ...(out.contexts ?? [])])
  }
  return out
}

const isCollection = (value: YamlValue): boolean => isYamlMap(value) || isYamlList(value)

/** A list of texts, or one text with blanks between its elements. */
function texts(key: string, extension: YamlMap): readonly string[] {
  const value = extension.get(key)
  if (value === undefined || value === null) return []
  if (isYamlList(value)) {
    if (value.some(isCollection)) throw wrong(value, 'string', lineOf(key, extension))
    return value.map(scalarText)
  }
  if (isYamlMap(value)) throw wrong(value, 'string', lineOf(key, extension))
  return scalarText(value)
    .split(/\s+/)
    .filter(t => t !== '')
}

function readFlag(key: string, extension: YamlMap): boolean | undefined {
  const value = extension.get(key)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  const text = scalarText(value).toLowerCase()
  if (['true', 'yes', 'y', 'on'].includes(text)) return true
  if (['false', 'no', 'n', 'off'].includes(text)) return false
  throw wrong(value, 'bool', lineOf(key, extension))
}

/** The line of a value in the section alone, written with its keys in order: that is what the real tool reads again. */
function lineOf(key: string, extension: YamlMap): number {
  let line = 1
  for (const [k, v] of [...extension].sort((a, b) => compareText(a[0], b[0]))) {
    const inside = linesInside(v)
    if (k === key) return inside > 0 ? line + 1 : line
    line += 1 + inside
  }
  return line
}

function linesInside(value: YamlValue): number {
  if (isYamlMap(value)) return [...value.values()].reduce<number>((n, v) => n + 1 + linesInside(v), 0)
  return isYamlList(value) ? value.reduce<number>((n, v) => n + Math.max(1, linesInside(v)), 0) : 0
}

function wrong(value: YamlValue, type: string, line: number): SlipwayError {
  const what = isYamlMap(value)
    ? 'map'
    : isYamlList(value)
      ? 'seq'
      : `${scalarTag(value)} \`${short(scalarText(value))}\``
  return new SlipwayError(
    'invalid-argument',
    `yaml: unmarshal errors:\n  line ${line}: cannot unmarshal !!${what} into ${type}`,
  )
}

function scalarTag(value: YamlValue): string {
  switch (typeof value) {
    case 'string':
      return 'str'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'float'
    default:
      return 'null'
  }
}

function short(text: string): string {
  return text.length > 10 ? `${text.slice(0, 7)}...` : text
}
