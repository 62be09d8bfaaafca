import { csvFields } from '../../gostd/csv.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'

/** A name with its value. */
export interface NamedValue {
  readonly Name: string
  readonly Value: string
}

/** Settings of a build that are neither arguments nor labels, in the words and the order that they are shown in. */
export interface BuildSettings {
  readonly Network?: string
  readonly ExtraHosts?: readonly string[]
  readonly Hostname?: string
  readonly CgroupParent?: string
  readonly ImageResolveMode?: string
  readonly MultiPlatform?: boolean
  readonly NoCache?: boolean
  readonly NoCacheFilter?: readonly string[]
  readonly ShmSize?: string
  readonly Ulimit?: string
  readonly Memory?: string
  readonly MemorySwap?: string
  readonly CPUShares?: string
  readonly CPUPeriod?: string
  readonly CPUQuota?: string
  readonly CPUSetCPUs?: string
  readonly CPUSetMems?: string
  readonly CacheMountNS?: string
  readonly DockerfileCheckConfig?: string
  readonly SourceDateEpoch?: string
  readonly SandboxHostname?: string
  /** What has no place of its own. */
  readonly RestRaw?: readonly NamedValue[]
}

const texts = {
  Network: 'force-network-mode',
  Hostname: 'hostname',
  CgroupParent: 'cgroup-parent',
  ImageResolveMode: 'image-resolve-mode',
  ShmSize: 'shm-size',
  Ulimit: 'ulimit',
  Memory: 'memory',
  MemorySwap: 'memswap',
  CPUShares: 'cpushares',
  CPUPeriod: 'cpuperiod',
  CPUQuota: 'cpuquota',
  CPUSetCPUs: 'cpusetcpus',
  CPUSetMems: 'cpusetmems',
  CacheMountNS: 'build-arg:BUILDKIT_CACHE_MOUNT_NS',
  DockerfileCheckConfig: 'build-arg:BUILDKIT_DOCKERFILE_CHECK',
  SourceDateEpoch: 'build-arg:SOURCE_DATE_EPOCH',
  SandboxHostname: 'build-arg:SANDBOX_HOSTNAME',
} as const

/** Options that are shown elsewhere, or are of no interest. */
const shown = [
  'frontend.caps',
  'filename',
  'target',
  'platform',
  'multi-platform',
  'no-cache',
  'add-hosts',
  ...Object.values(texts),
]

const prefixes = ['vcs:', 'build-arg:', 'label:', 'context:', 'attest:']

/** Reads the settings out of the options of a build's frontend. */
export function buildSettings(attrs: Readonly<Record<string, string>>): BuildSettings {
  const flag = (key: string): boolean => tryParseBool(attrs[key] ?? '') === true
  const found: Record<string, unknown> = {}
  const put = (key: keyof BuildSettings, value: unknown): void => {
    if (value !== undefined && value !== '' && value !== false) found[key] = value
  }
  const text = (key: keyof typeof texts): void => put(key, attrs[texts[key]])
  text('Network')
  const hosts = attrs['add-hosts']
  put('ExtraHosts', hosts === undefined ? undefined : csvFields(hosts))
  for (const key of ['Hostname', 'CgroupParent', 'ImageResolveMode'] as const) text(key)
  put('MultiPlatform', flag('build-arg:BUILDKIT_MULTI_PLATFORM') || flag('multi-platform'))
  const noCache = attrs['no-cache']
  put('NoCache', noCache === '')
  put('NoCacheFilter', noCache ? noCache.split(',') : undefined)
  for (const key of Object.keys(texts) as (keyof typeof texts)[]) if (!(key in found)) text(key)
  const rest = Object.entries(attrs).filter(
    ([key]) => !shown.includes(key) && !prefixes.some(prefix => key.startsWith(prefix)),
  )
  put('RestRaw', rest.length === 0 ? undefined : sortedValues(rest))
  return found
}

/** Options with a prefix (`build-arg:`), without it, by name; undefined where there are none. */
export function valuesWithPrefix(
  attrs: Readonly<Record<string, string>>,
  prefix: string,
): readonly NamedValue[] | undefined {
  const found = Object.entries(attrs).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  )
  return found.length === 0 ? undefined : sortedValues(found)
}

const sortedValues = (pairs: readonly (readonly [string, string])[]): readonly NamedValue[] =>
  pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([Name, Value]) => ({ Name, Value }))
