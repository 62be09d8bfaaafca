import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PruneRule } from '../content/prune-rule.ts'
import type { UsageRecord } from '../content/usage-record.ts'
import type { PruneRequest, UsageRecordSchema } from '../proto/gen/control_pb.ts'
import { timestamp } from './status-message.ts'

/** A record of disk usage as it goes over the wire. */
export function usageMessage(record: UsageRecord): MessageInitShape<typeof UsageRecordSchema> {
  return {
    ID: record.id,
    Mutable: record.mutable,
    InUse: record.inUse,
    Size: BigInt(record.size),
    Parents: [...record.parents],
    CreatedAt: timestamp(record.createdMs),
    ...(record.lastUsedMs === undefined ? {} : { LastUsedAt: timestamp(record.lastUsedMs) }),
    UsageCount: BigInt(record.usageCount),
    Description: record.description,
    RecordType: record.type,
    Shared: record.shared,
  }
}

/** What a request to prune asks for. */
export function pruneRule(request: PruneRequest): PruneRule {
  const ms = Number(request.keepDuration / 1_000_000n)
  return {
    filters: request.filter,
    all: request.all,
    ...(ms > 0 ? { keepDurationMs: ms } : {}),
    ...(request.maxUsedSpace > 0n ? { maxUsedSpace: Number(request.maxUsedSpace) } : {}),
    ...(request.reservedSpace > 0n ? { reservedSpace: Number(request.reservedSpace) } : {}),
    ...(request.minFreeSpace > 0n ? { minFreeSpace: Number(request.minFreeSpace) } : {}),
  }
}
