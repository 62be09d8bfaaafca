import { randomUUID } from 'node:crypto'
import { createClient } from '@connectrpc/connect'
import { anySignal, sleep } from '../../async/abort.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import { joinMoment } from '../../gostd/time.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { Control, type UsageRecord as UsageMessage } from '../../proto/gen/control_pb.ts'
import { LLBBridge } from '../../proto/gen/gateway_pb.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { noResult } from './no-result.ts'

/** One rule of a daemon's garbage collection. Duration in nanoseconds, sizes in bytes, 0 = no limit. */
export interface GcRule {
  readonly all: boolean
  readonly filters: readonly string[]
  readonly keepDuration: bigint
  readonly reservedSpace: bigint
  readonly maxUsedSpace: bigint
  readonly minFreeSpace: bigint
}

/** A device that builds may ask for. */
export interface CdiDevice {
  readonly name: string
  readonly autoAllow: boolean
  readonly onDemand: boolean
  readonly annotations: Readonly<Record<string, string>>
}

/** What a daemon says of one of its workers. */
export interface Worker {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  /** Native one first. */
  readonly platforms: readonly Platform[]
  readonly gcPolicy: readonly GcRule[]
  readonly devices: readonly CdiDevice[]
}

/** The workers of a daemon; the first is the one that builds. */
export async function listWorkers(
  connection: BuildkitConnection,
  signal?: AbortSignal,
): Promise<readonly Worker[]> {
  const control = createClient(Control, connection.transport)
  const { record } = await control.listWorkers({}, options(signal))
  return record.map(worker => ({
    id: worker.ID,
    labels: worker.Labels,
    platforms: worker.platforms.map(p => ({
      architecture: p.Architecture,
      os: p.OS,
      ...(p.Variant === '' ? {} : { variant: p.Variant }),
      ...(p.OSVersion === '' ? {} : { 'os.version': p.OSVersion }),
      ...(p.OSFeatures.length === 0 ? {} : { 'os.features': p.OSFeatures }),
    })),
    gcPolicy: worker.GCPolicy.map(rule => ({
      all: rule.all,
      filters: rule.filters,
      keepDuration: rule.keepDuration,
      reservedSpace: rule.reservedSpace,
      maxUsedSpace: rule.maxUsedSpace,
      minFreeSpace: rule.minFreeSpace,
    })),
    devices: worker.CDIDevices.map(device => ({
      name: device.Name,
      autoAllow: device.AutoAllow,
      onDemand: device.OnDemand,
      annotations: device.Annotations,
    })),
  }))
}

/** Version of a daemon; undefined where it is too old to say. */
export async function daemonVersion(
  connection: BuildkitConnection,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const { buildkitVersion } = await createClient(Control, connection.transport).info({}, options(signal))
    return buildkitVersion?.version
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'unimplemented') return undefined
    throw error
  }
}

/** A record of a daemon's cache. Times are milliseconds since the epoch, sizes bytes. */
export interface UsageRecord {
  readonly id: string
  readonly mutable: boolean
  readonly inUse: boolean
  readonly size: number
  readonly parents: readonly string[]
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
  readonly usageCount: number
  readonly description: string
  readonly type: string
  readonly shared: boolean
}

/** The records that match a filter (containerd's grammar; empty = all), smallest first. */
export async function diskUsage(
  connection: BuildkitConnection,
  filter: readonly string[],
  signal?: AbortSignal,
): Promise<readonly UsageRecord[]> {
  const control = createClient(Control, connection.transport)
  const { record } = await control.diskUsage({ filter: [...filter] }, options(signal))
  return record.map(usageOf).toSorted((a, b) => a.size - b.size || (a.id < b.id ? -1 : 1))
}

/** What `prune` keeps. Duration in nanoseconds, sizes in bytes, 0 = no limit. */
export interface PruneRule {
  readonly all: boolean
  readonly filter: readonly string[]
  readonly keepDuration: bigint
  readonly reservedSpace: bigint
  readonly maxUsedSpace: bigint
  readonly minFreeSpace: bigint
}

/** Removes cache records and yields what was removed, while it goes on. */
export async function* pruneCache(
  connection: BuildkitConnection,
  rule: PruneRule,
  signal?: AbortSignal,
): AsyncGenerator<UsageRecord, void, undefined> {
  const control = createClient(Control, connection.transport)
  const removed = control.prune({ ...rule, filter: [...rule.filter] }, options(signal))
  for await (const record of removed) yield usageOf(record)
}

function usageOf(record: UsageMessage): UsageRecord {
  const at = record.LastUsedAt
  return {
    id: record.ID,
    mutable: record.Mutable,
    inUse: record.InUse,
    size: Number(record.Size),
    parents: record.Parents,
    createdAt:
      record.CreatedAt === undefined ? 0 : joinMoment(record.CreatedAt.seconds, record.CreatedAt.nanos),
    lastUsedAt: at === undefined ? undefined : joinMoment(at.seconds, at.nanos),
    usageCount: Number(record.UsageCount),
    description: record.Description,
    type: record.RecordType,
    shared: record.Shared,
  }
}

const options = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal }

/** Whether a daemon understands limits of used and free space when it prunes (capability `gc.freespacefilter`). */
export async function supportsFreeSpaceFilter(
  connection: BuildkitConnection,
  signal?: AbortSignal,
): Promise<boolean> {
  const ref = randomUUID().replaceAll('-', '')
  const abort = new AbortController()
  const control = createClient(Control, connection.transport)
  const bridge = createClient(LLBBridge, connection.transport)
  // Bridge calls need a build; this one is given up once the question is answered.
  const building = control.solve({ Ref: ref, Internal: true }, { signal: anySignal(signal, abort.signal) })
  building.catch(() => {})
  try {
    const call = { ...options(signal), headers: { 'buildkit-controlapi-buildid': ref } }
    const { LLBCaps } = await bridge.ping({}, call)
    await bridge.return(noResult, call).catch(() => undefined)
    return LLBCaps.some(cap => cap.ID === 'gc.freespacefilter' && cap.Enabled)
  } finally {
    await Promise.race([building.catch(() => undefined), sleep(1000)])
    abort.abort()
  }
}
