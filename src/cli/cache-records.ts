import type { UsageRecord } from '../buildkit/client/daemon.ts'
import { humanSize } from '../gostd/byte-units.ts'
import { humanDuration } from '../gostd/human-duration.ts'
import { formatGoTime } from '../gostd/time.ts'
import type { FormatRow } from './format-rows.ts'

/** Titles of the columns that `du` knows. */
export const recordHeaders: Readonly<Record<string, string>> = {
  ID: 'ID',
  Parents: 'PARENTS',
  CreatedAt: 'CREATED AT',
  Mutable: 'MUTABLE',
  Reclaimable: 'RECLAIMABLE',
  Shared: 'SHARED',
  Size: 'SIZE',
  Description: 'DESCRIPTION',
  UsageCount: 'USAGE COUNT',
  LastUsedAt: 'LAST ACCESSED',
  Type: 'TYPE',
}

/** How long ago a record was last used, in words; empty for never. */
export const lastUsed = (record: UsageRecord, now: number): string =>
  record.lastUsedAt === undefined ? '' : `${humanDuration(now - record.lastUsedAt)} ago`

/** A cache record as a row; in tables, marks tell mutable and shared ones apart. */
export function recordRow(record: UsageRecord, isTable: boolean, now: number): FormatRow {
  const fields = {
    CreatedAt: formatGoTime(record.createdAt),
    Description: record.description,
    ID: record.id + (isTable && record.mutable ? '*' : ''),
    LastUsedAt: lastUsed(record, now),
    Mutable: record.mutable,
    Parents: record.parents,
    Reclaimable: !record.inUse,
    Shared: record.shared,
    Size: humanSize(record.size) + (isTable && record.shared ? '*' : ''),
    Type: record.type,
    UsageCount: record.usageCount,
  }
  return { fields, json: fields }
}

/** Totals below a list of records. Columns are set with tabs, as Go's tabwriter does with cells of 8. */
export function recordSummary(records: readonly UsageRecord[]): string {
  let total = 0
  let reclaimable = 0
  let shared = 0
  for (const record of records) {
    total += Math.max(0, record.size)
    if (!record.inUse) reclaimable += Math.max(0, record.size)
    if (record.shared) shared += record.size
  }
  const lines: [string, number][] = [
    ['Reclaimable', reclaimable],
    ['Total', total],
  ]
  if (shared > 0) lines.unshift(['Shared', shared], ['Private', total - shared])
  const width = (text: string): number => Math.ceil((text.length + 2) / 8)
  const cells = Math.max(...lines.map(([name]) => width(name)))
  return lines
    .map(
      ([name, size]) =>
        `${name}:${'\t'.repeat(cells - Math.floor((name.length + 1) / 8))}${humanSize(size)}\n`,
    )
    .join('')
}
