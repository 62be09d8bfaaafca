import { isIP } from 'node:net'
import type { ConvertOptions } from '../dockerfile/convert/options.ts'
import { type LintOptions, parseLintOptions } from '../dockerfile/linter/options.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { parseInteger, tryParseBool } from '../gostd/parse-number.ts'
import { quote } from '../gostd/quote.ts'
import type { ResolveMode } from '../llb/source.ts'
import type { Platform } from '../oci/descriptor.ts'
import { normalizePlatform, parsePlatform } from '../oci/platform.ts'
import { type Attributes, attribute, attributesAfter } from './attributes.ts'
import type { CacheImport, FrontendFacts } from './bridge.ts'
import { parseLinuxResources, parseUlimits } from './resource-limits.ts'
import { parseSbom, type SbomRequest } from './sbom-request.ts'

/** The attributes of a build, understood. */
export interface BuildConfig
  extends Omit<ConvertOptions, 'targetPlatform' | 'hostPlatform' | 'warn' | 'allStages' | 'file'> {
  /** Empty where none was asked for. */
  readonly targetPlatforms: readonly Platform[]
  readonly cacheImports: readonly CacheImport[]
  readonly sbom: SbomRequest | undefined
  /** Stages that must not use cached results: names, all (empty list), or none (undefined). */
  readonly noCache: readonly string[] | undefined
  /** Sessions of local directories that another client serves, by name. */
  readonly localSessions: Readonly<Record<string, string>>
}

/** Reads the attributes that buildx and buildctl send. Throws `invalid-argument` with BuildKit's words. */
export function parseBuildConfig(attributes: Attributes, facts: FrontendFacts): BuildConfig {
  refuseRemoved(attributes)
  const get = (name: string): string => attribute(attributes, name) ?? ''
  const targetPlatforms = parsePlatforms(get('platform'), facts.hostPlatform)
  const noCache = attribute(attributes, 'no-cache')
  return {
    targetPlatforms,
    buildPlatforms: facts.platforms.length > 0 ? facts.platforms.slice(0, 1) : [facts.hostPlatform],
    resolveMode: parseResolveMode(get('image-resolve-mode')),
    extraHosts: within('failed to parse additional hosts', () => parseExtraHosts(get('add-hosts'))),
    shmSize: within('failed to parse shm size', () =>
      get('shm-size') === '' ? 0 : parseInteger(get('shm-size'), { base: 10 }),
    ),
    ulimits: within('failed to parse ulimit', () => parseUlimits(get('ulimit'))),
    linuxResources: within('failed to parse resource limits', () => parseLinuxResources(attributes)),
    network: parseNetwork(get('force-network-mode')),
    noCache: noCache === undefined ? undefined : noCache === '' ? [] : noCache.split(','),
    multiPlatform: parseMultiPlatform(attributes, targetPlatforms.length > 1),
    cacheImports: parseCacheImports(attributes),
    sbom: parseSbom(attributes),
    buildArgs: attributesAfter(attributes, 'build-arg:'),
    labels: attributesAfter(attributes, 'label:'),
    cacheNamespace: get('build-arg:BUILDKIT_CACHE_MOUNT_NS'),
    cgroupParent: get('cgroup-parent'),
    target: get('target'),
    hostname: get('build-arg:BUILDKIT_SANDBOX_HOSTNAME') || get('hostname'),
    lint: parseLint(attribute(attributes, 'build-arg:BUILDKIT_DOCKERFILE_CHECK')),
    localSessions: attributesAfter(attributes, 'local-sessionid:'),
  }
}

function refuseRemoved(attributes: Attributes): void {
  if ((attribute(attributes, 'override-copy-image') ?? '') !== '') {
    throw invalid('support for "override-copy-image" was removed in BuildKit 0.11')
  }
  if (tryParseBool(attribute(attributes, 'build-arg:BUILDKIT_DISABLE_FILEOP') ?? '') === true) {
    throw invalid('support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11')
  }
}

function parsePlatforms(text: string, hostPlatform: Platform): Platform[] {
  if (text === '') return []
  return text
    .split(',')
    .map(one => within(`failed to parse target platform ${one}`, () => parsePlatform(one, hostPlatform)))
    .map(normalizePlatform)
}

function parseResolveMode(text: string): ResolveMode {
  if (text === '') return 'default'
  if (text === 'default' || text === 'pull' || text === 'local') return text
  throw invalid(`invalid image-resolve-mode: ${text}`)
}

function parseExtraHosts(text: string): { host: string; ip: string }[] {
  if (text === '') return []
  return csvFields(text).map(field => {
    const lower = field.toLowerCase()
    const at = lower.indexOf('=')
    if (at < 0) throw invalid(`invalid key-value pair ${field}`)
    const ip = lower.slice(at + 1)
    if (isIP(ip) === 0 || ip.includes('%')) throw invalid(`failed to parse IP ${ip}`)
    return { host: lower.slice(0, at), ip: isIP(ip) === 6 ? shortIpv6(ip) : ip }
  })
}

/** The canonical spelling; IPv4 addresses in IPv6 clothes are IPv4, as Go prints them. */
function shortIpv6(ip: string): string {
  const short = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (mapped === null) return short
  const words = [mapped[1], mapped[2]].map(word => Number.parseInt(word ?? '0', 16))
  return words.flatMap(word => [word >> 8, word & 255]).join('.')
}

function parseNetwork(text: string): BuildConfig['network'] {
  if (text === '') return 'sandbox'
  if (text === 'none' || text === 'host' || text === 'sandbox') return text
  throw invalid(`invalid netmode ${text}`)
}

function parseMultiPlatform(attributes: Attributes, isSeveral: boolean): boolean {
  const text =
    (attribute(attributes, 'build-arg:BUILDKIT_MULTI_PLATFORM') || attribute(attributes, 'multi-platform')) ??
    ''
  if (text === '') return isSeveral
  const wanted = tryParseBool(text)
  if (wanted === undefined) throw invalid(`invalid boolean value for multi-platform: ${text}`)
  if (!wanted && isSeveral) {
    throw invalid('conflicting config: returning multiple target platforms is not allowed')
  }
  return wanted
}

function parseCacheImports(attributes: Attributes): CacheImport[] {
  const imports: CacheImport[] = []
  const json = attribute(attributes, 'cache-imports') ?? ''
  if (json !== '') imports.push(...readCacheImports(json))
  const refs = attribute(attributes, 'cache-from') ?? ''
  if (refs !== '') imports.push(...refs.split(',').map(ref => ({ type: 'registry', attributes: { ref } })))
  return imports
}

function readCacheImports(json: string): CacheImport[] {
  let entries: unknown
  try {
    entries = JSON.parse(json)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', `failed to unmarshal cache-imports (${quote(json)})`, {
      cause,
    })
  }
  if (!Array.isArray(entries)) throw invalid(`failed to unmarshal cache-imports (${quote(json)})`)
  return entries.map((entry: unknown) => {
    const { Type: type, Attrs: attrs } = (entry ?? {}) as { Type?: unknown; Attrs?: unknown }
    const pairs = typeof attrs === 'object' && attrs !== null ? Object.entries(attrs) : []
    return {
      type: typeof type === 'string' ? type : '',
      attributes: Object.fromEntries(
        pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
      ),
    }
  })
}

function parseLint(text: string | undefined): LintOptions | undefined {
  if (text === undefined) return undefined
  return within('failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK', () => parseLintOptions(text))
}

function within<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw wrapError(what, error)
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
