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
  if (!isYamlMap(extension)) throw refused([wrong(extension, 'bake.xbake', 1)])
  const problems: Problem[] = []
  const list = (key: string): readonly string[] => texts(key, extension, problems)
  const flag = (key: string): boolean | undefined => readFlag(key, extension, problems)
  const given = Object.fromEntries(listKeys.map(key => [key, list(key)])) as Record<
    ListKey,
    readonly string[]
  >
  const flags = { pull: flag('pull'), noCache: flag('no-cache') }
  const named = readContexts(extension, problems)
  if (problems.length > 0) throw refused(problems)
  const out: { -readonly [K in keyof Target]: Target[K] } = { ...target }
  const add = <T>(
    before: readonly T[] | undefined,
    more: readonly T[],
    distinct: (all: readonly T[]) => T[],
  ): T[] => distinct([...(before ?? []), ...more])
  const tags = given.tags
  if (tags.length > 0) out.tags = add(out.tags, tags, distinctTexts)
  const from = given['cache-from']
  if (from.length > 0) out.cacheFrom = add(out.cacheFrom, parseCacheEntries(from), distinctCaches)
  const to = given['cache-to']
  if (to.length > 0) out.cacheTo = add(out.cacheTo, parseCacheEntries(to), distinctCaches)
  const secrets = given.secret
  if (secrets.length > 0) out.secrets = add(out.secrets, parseSecretEntries(secrets), distinctSecrets)
  const ssh = given.ssh
  if (ssh.length > 0) out.ssh = add(out.ssh, parseSshEntries(ssh), distinctSsh).sort(compareSsh)
  const platforms = given.platforms
  if (platforms.length > 0) out.platforms = add(out.platforms, platforms, distinctTexts)
  const outputs = given.output
  if (outputs.length > 0) out.outputs = add(out.outputs, parseExportEntries(outputs), distinctExports)
  const filter = given['no-cache-filter']
  if (filter.length > 0) out.noCacheFilter = add(out.noCacheFilter, filter, distinctTexts)
  if (flags.pull !== undefined) out.pull = flags.pull
  if (flags.noCache !== undefined) out.noCache = flags.noCache
  if (named.size > 0) out.contexts = new Map([...contextsOf(named), ...(out.contexts ?? [])])
  return out
}

const isCollection = (value: YamlValue): boolean => isYamlMap(value) || isYamlList(value)

const listKeys = [
  'tags',
  'cache-from',
  'cache-to',
  'secret',
  'ssh',
  'platforms',
  'output',
  'no-cache-filter',
] as const
type ListKey = (typeof listKeys)[number]

/** A value that is not what its key takes, and the line it is told with. */
interface Problem {
  readonly line: number
  readonly message: string
}

/** A list of texts, or one text with blanks between its elements. */
function texts(key: string, extension: YamlMap, problems: Problem[]): readonly string[] {
  const value = extension.get(key)
  if (value === undefined || value === null) return []
  if (isYamlList(value) && !value.some(isCollection)) return value.map(scalarText)
  if (isCollection(value)) {
    problems.push(wrong(value, 'string', lineOf(key, extension)))
    return []
  }
  return scalarText(value)
    .split(/\s+/)
    .filter(t => t !== '')
}

function readContexts(extension: YamlMap, problems: Problem[]): ReadonlyMap<string, string> {
  const contexts = extension.get('contexts')
  const out = new Map<string, string>()
  if (contexts === undefined || contexts === null) return out
  let line = lineOf('contexts', extension)
  if (!isYamlMap(contexts)) {
    problems.push(wrong(contexts, 'bake.stringMap', line))
    return out
  }
  for (const [name, value] of [...contexts].sort((a, b) => compareText(a[0], b[0]))) {
    const inside = linesInside(value)
    if (isCollection(value)) problems.push(wrong(value, 'string', inside > 0 ? line + 1 : line))
    else out.set(name, scalarText(value))
    line += 1 + inside
  }
  return out
}

function readFlag(key: string, extension: YamlMap, problems: Problem[]): boolean | undefined {
  const value = extension.get(key)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  // Words that were booleans in older YAML; `true` as a text is none.
  const text = scalarText(value)
  if (typeof value === 'string' && /^(?:[yY]|yes|Yes|YES|on|On|ON)$/.test(text)) return true
  if (typeof value === 'string' && /^(?:[nN]|no|No|NO|off|Off|OFF)$/.test(text)) return false
  problems.push(wrong(value, 'bool', lineOf(key, extension)))
  return undefined
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

function wrong(value: YamlValue, type: string, line: number): Problem {
  const what = isYamlMap(value)
    ? 'map'
    : isYamlList(value)
      ? 'seq'
      : `${scalarTag(value)} \`${short(scalarText(value))}\``
  return { line, message: `line ${line}: cannot unmarshal !!${what} into ${type}` }
}

function refused(problems: readonly Problem[]): SlipwayError {
  const lines = [...problems].sort((a, b) => a.line - b.line).map(({ message }) => `\n  ${message}`)
  return new SlipwayError('invalid-argument', `yaml: unmarshal errors:${lines.join('')}`)
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
