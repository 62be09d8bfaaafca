/** What may be removed, and how far. Bytes and milliseconds; absent or 0 means no such limit. */
export interface PruneRule {
  /** Expressions of `parseRecordFilter`; none mean every record. */
  readonly filters?: readonly string[]
  /** Also internal and frontend records, and those that images share. */
  readonly all?: boolean
  /** Records that were used within this time stay. */
  readonly keepDurationMs?: number
  /** Records are removed only while they take more than this in all. */
  readonly maxUsedSpace?: number
  /** Never less than this is kept, whatever the other limits say. */
  readonly reservedSpace?: number
  /** Records are removed while the disk has less free space than this. */
  readonly minFreeSpace?: number
}

/** A file system. Bytes. */
export interface DiskSpace {
  readonly total: number
  readonly free: number
}

/** Limits of the build cache as a whole. Bytes. */
export interface CacheLimits {
  readonly reservedSpace: number
  readonly maxUsedSpace: number
  readonly minFreeSpace: number
}

const GB = 1e9
const GiB = 2 ** 30
const hourMs = 3_600_000

/** The limits that BuildKit gives itself on a disk of this size. Source: buildkit v0.32.2 cmd/buildkitd/config/gcpolicy.go */
export function defaultLimits(disk: DiskSpace): CacheLimits {
  return {
    reservedSpace: Math.min(10 * GB, percentOf(disk, 10)),
    maxUsedSpace: Math.min(100 * GB, percentOf(disk, 80)),
    minFreeSpace: percentOf(disk, 20),
  }
}

/** A share of a disk, rounded up to whole gigabytes as BuildKit does it. */
export function percentOf({ total }: DiskSpace, percent: number): number {
  if (total === 0) return 2 * GB
  return (Math.floor(Math.floor((total * percent) / 100) / GiB) + 1) * GB
}

/** The rules by which BuildKit keeps its cache small, in order: what is easily had again, what is old, what is not shared, all. */
export function defaultRules(limits: CacheLimits): readonly PruneRule[] {
  return [
    {
      filters: ['type==source.local', 'type==exec.cachemount', 'type==source.git.checkout'],
      keepDurationMs: 48 * hourMs,
      maxUsedSpace: 512e6,
    },
    { keepDurationMs: 60 * 24 * hourMs, ...limits },
    limits,
    { all: true, ...limits },
  ]
}

/** How many bytes a rule lets stay; undefined where it sets no limit. `total` is what all records take. */
export function keepBytes(rule: PruneRule, total: number, disk: DiskSpace): number | undefined {
  const { maxUsedSpace = 0, reservedSpace = 0, minFreeSpace = 0 } = rule
  if (maxUsedSpace === 0 && reservedSpace === 0 && minFreeSpace === 0) return undefined
  let keep = maxUsedSpace
  const excess = minFreeSpace - disk.free
  if (excess > 0) keep = keep === 0 ? total - excess : Math.min(keep, total - excess)
  else if (minFreeSpace !== 0 && keep === 0) keep = total
  return Math.max(keep, reservedSpace)
}
