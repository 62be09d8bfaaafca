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
  // The text "0" names the first processor; numbers count from 1 on, but for a swap without end.
  const isSet = ([key, value]: (typeof named)[number]): boolean => {
    if (typeof value === 'string') return value !== ''
    return value !== undefined && (key === 'memswap' ? Number(value) !== 0 : Number(value) > 0)
  }
  return Object.fromEntries(named.filter(isSet).map(([key, value]) => [key, String(value)]))
}
