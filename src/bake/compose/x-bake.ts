import { SlipwayError } from '../../errors/slipway-error.ts'
import { distinctCaches, parseCacheEntries } from '../attrs/cache-entry.ts'
import { distinctExports, parseExportEntries } from '../attrs/export-entry.ts'
import { distinctSecrets, parseSecretEntries } from '../attrs/secret-entry.ts'
import { compareSsh, distinctSsh, parseSshEntries } from '../attrs/ssh-entry.ts'
import { distinctTexts } from '../merge-target.ts'
import type { Target } from '../target.ts'
import { isYamlList, isYamlMap, scalarText, type YamlValue } from './yaml-value.ts'

/** The target with what `x-bake` under `build` adds. */
export function applyXBake(
  target: Target,
  extension: YamlValue | undefined,
  contextsOf: (m: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
): Target {
  if (extension === undefined || extension === null) return target
  if (!isYamlMap(extension)) throw wrong(extension, 'xbake')
  const list = (key: string): readonly string[] => texts(extension.get(key))
  const flag = (key: string): boolean | undefined => readFlag(extension.get(key))
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
  if (isYamlMap(contexts) && contexts.size > 0) {
    const more = contextsOf(new Map([...contexts].map(([k, v]) => [k, scalarText(v)])))
    out.contexts = new Map([...more, ...(out.contexts ?? [])])
  }
  return out
}

/** A list of texts, or one text with blanks between its elements. */
function texts(value: YamlValue | undefined): readonly string[] {
  if (value === undefined || value === null) return []
  if (isYamlList(value)) return value.map(scalarText)
  if (isYamlMap(value)) throw wrong(value, 'string')
  return scalarText(value)
    .split(/\s+/)
    .filter(t => t !== '')
}

function readFlag(value: YamlValue | undefined): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  const text = scalarText(value).toLowerCase()
  if (['true', 'yes', 'y', 'on'].includes(text)) return true
  if (['false', 'no', 'n', 'off'].includes(text)) return false
  throw wrong(value, 'bool')
}

function wrong(value: YamlValue, type: string): SlipwayError {
  const kind = isYamlMap(value)
    ? 'map'
    : isYamlList(value)
      ? 'seq'
      : typeof value === 'string'
        ? 'str'
        : 'int'
  return new SlipwayError(
    'invalid-argument',
    `yaml: unmarshal errors:\n  line 1: cannot unmarshal !!${kind} into ${type}`,
  )
}
