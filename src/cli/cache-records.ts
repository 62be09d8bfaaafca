import type { UsageRecord } from '../buildkit/client/daemon.ts'
import { humanSize } from '../gostd/byte-units.ts'
import { humanDuration } from '../gostd/human-duration.ts'
import { tabulate } from '../gostd/tabwriter.ts'
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
  return { fields, json: { ...fields, Parents: record.parents.length === 0 ? null : record.parents } }
}

/** Totals below a list of records. */
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
  const text = lines.map(([name, size]) => `${name}:\t${humanSize(size)}\n`).join('')
  return tabulate(text, { minWidth: 1, tabs: true })
}
