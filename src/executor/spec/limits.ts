import type { ContainerSpec, ResourceLimits } from '../executor.ts'
import type { LinuxResources, Rlimit } from './runtime-spec.ts'

/** Limits per process. `-1` means none, which the kernel spells as the largest 64-bit number. */
export function rlimitsOf(ulimits: ContainerSpec['ulimits']): Rlimit[] {
  return ulimits.map(({ name, soft, hard }) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    hard: unsigned(hard),
    soft: unsigned(soft),
  }))
}

function unsigned(value: number): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value
}

/** Limits per container. Devices: nothing beyond the runtime's default ones, or everything. */
export function resourcesOf(limits: ResourceLimits | undefined, allDevices: boolean): LinuxResources {
  const memory = { ...positive('limit', limits?.memory), ...nonZero('swap', limits?.memorySwap) }
  const cpu = {
    ...positive('shares', limits?.cpuShares),
    ...nonZero('quota', limits?.cpuQuota),
    ...positive('period', limits?.cpuPeriod),
    ...(limits?.cpusetCpus ? { cpus: limits.cpusetCpus } : {}),
    ...(limits?.cpusetMems ? { mems: limits.cpusetMems } : {}),
  }
  return {
    devices: allDevices
      ? [
          { allow: true, type: 'c', access: 'rwm' },
          { allow: true, type: 'b', access: 'rwm' },
        ]
      : [{ allow: false, access: 'rwm' }],
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
  }
}

function positive<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value !== undefined && value > 0 ? ({ [key]: value } as Record<K, number>) : {}
}

/** `-1` is a value of its own here: unlimited. */
function nonZero<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value !== undefined && value !== 0 ? ({ [key]: value } as Record<K, number>) : {}
}
