import type { ResourceLimits } from '../bake/attrs/resources.ts'

/** Limits of steps under the names that the Dockerfile frontend knows. */
export function resourceAttributes(limits: ResourceLimits): Record<string, string> {
  const named: readonly (readonly [string, number | bigint | string | undefined])[] = [
    ['memory', limits.memory],
    ['memswap', limits.memorySwap],
    ['cpushares', limits.cpuShares],
    ['cpuperiod', limits.cpuPeriod],
    ['cpuquota', limits.cpuQuota],
    ['cpusetcpus', limits.cpusetCpus],
    ['cpusetmems', limits.cpusetMems],
  ]
  const isSet = (value: (typeof named)[number][1]): boolean => !['', '0', 'undefined'].includes(String(value))
  return Object.fromEntries(
    named.filter(([, value]) => isSet(value)).map(([key, value]) => [key, String(value)]),
  )
}
