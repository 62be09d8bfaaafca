import { throwIfAborted } from '../async/abort.ts'
import { type DiskSpace, keepBytes, type PruneRule } from './prune-rule.ts'
import { parseRecordFilter } from './record-filter.ts'
import type { UsageRecord, UsageSource } from './usage-record.ts'

/** What pruning works with. */
export interface PruneOptions {
  readonly disk: DiskSpace
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signal?: AbortSignal
}

/**
 * Removes records by rules, one rule after the other, and yields each record as it goes. Records in use stay, and so do
 * those that others were made on: a chain is taken apart from its end. Under a limit the least valuable goes first, one
 * at a time, until the rest is within it; without one, all that match go. Behaviour: buildkit v0.32.2 cache/manager.go.
 */
export async function* prune(
  source: UsageSource,
  rules: readonly PruneRule[],
  options: PruneOptions,
): AsyncGenerator<UsageRecord, void, undefined> {
  const left = new Map((await source.records(options.signal)).map(record => [record.id, record]))
  for (const rule of rules) yield* pruneByRule(source, rule, left, options)
}

async function* pruneByRule(
  source: UsageSource,
  rule: PruneRule,
  left: Map<string, UsageRecord>,
  { disk, now, signal }: PruneOptions,
): AsyncGenerator<UsageRecord, void, undefined> {
  const matches = parseRecordFilter(rule.filters ?? [])
  let total = 0
  for (const record of left.values()) if (!record.shared) total += record.size
  const keep = keepBytes(rule, total, disk)
  const refused = new Set<string>()
  /** How many of the records that are left were made on each. */
  const dependents = new Map<string, number>()
  const count = (record: UsageRecord, change: number): void => {
    for (const id of record.parents) dependents.set(id, (dependents.get(id) ?? 0) + change)
  }
  for (const record of left.values()) count(record, 1)
  const cutoff = now - (rule.keepDurationMs ?? 0)
  const candidate = (record: UsageRecord): boolean => {
    if (record.inUse || refused.has(record.id)) return false
    if (!rule.all && (record.type === 'internal' || record.type === 'frontend' || record.shared)) return false
    if (rule.keepDurationMs && (record.lastUsedMs ?? 0) > cutoff) return false
    return matches(record)
  }
  for (;;) {
    throwIfAborted(signal)
    if (keep !== undefined && total < keep) return
    const candidates = [...left.values()].filter(record => !dependents.get(record.id) && candidate(record))
    if (candidates.length === 0) return
    const batch = keep === undefined ? candidates : leastValuable(candidates).slice(0, 1)
    for (const record of batch) {
      throwIfAborted(signal)
      if (!(await source.remove(record.id))) {
        refused.add(record.id)
        continue
      }
      left.delete(record.id)
      count(record, -1)
      total -= record.size
      yield record
    }
  }
}

/**
 * Records in the order in which they are to go: each has a rank by the time of its last use and one by the number of
 * uses, both relative to the highest rank, and the sum decides.
 */
function leastValuable(records: readonly UsageRecord[]): UsageRecord[] {
  const byTime = ranks(records, record => record.lastUsedMs ?? 0)
  const byCount = ranks(records, record => record.usageCount)
  const score = (record: UsageRecord): number => (byTime.get(record.id) ?? 0) + (byCount.get(record.id) ?? 0)
  return records.toSorted((a, b) => score(a) - score(b))
}

function ranks(records: readonly UsageRecord[], value: (record: UsageRecord) => number): Map<string, number> {
  const values = [...new Set([0, ...records.map(value)])].sort((a, b) => a - b)
  const rankOf = new Map(values.map((one, i) => [one, (i + 1) / values.length]))
  return new Map(records.map(record => [record.id, rankOf.get(value(record)) ?? 0]))
}
