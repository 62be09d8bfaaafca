import { statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobRoot } from '../content/reachable.ts'
import { prune } from '../content/prune.ts'
import type { DiskSpace, PruneRule } from '../content/prune-rule.ts'
import { wrapError } from '../errors/slipway-error.ts'
import { parseRecordFilter, type RecordFilter } from '../content/record-filter.ts'
import type { UsageRecord, UsageSource } from '../content/usage-record.ts'
import { directoryRecords } from '../content/directory-records.ts'
import { collectBlobs } from '../snapshot/collect.ts'
import { layerUsage } from '../snapshot/layer-usage.ts'
import { recordId } from './record-id.ts'
import type { State } from '../snapshot/open-state.ts'

/** What the state directory keeps, and how it is kept small. */
export interface DiskUsage {
  /** Records that match the filters (containerd's language). */
  records(filters: readonly string[], signal?: AbortSignal): Promise<readonly UsageRecord[]>
  /** Removes records by a rule and yields each as it goes; then blobs that nothing needs any more. */
  prune(rule: PruneRule, now: number, signal?: AbortSignal): AsyncIterable<UsageRecord>
  /** Keeps the cache within its limits; does little unless the last time is long enough ago. */
  collect(now: number): Promise<void>
  /** The rules by which `collect` does that. */
  rules(): readonly PruneRule[]
}

/** How the cache is kept small without anybody asking. */
export interface Collection {
  readonly rules: (disk: DiskSpace) => readonly PruneRule[]
  /** Between two times, whichever process does it (ms). */
  readonly everyMs: number
  /** Whether to wait that long before the first time too: a first build is not kept waiting for it. */
  readonly lateFirst: boolean
}

/** What disk usage needs besides the state. */
export interface DiskUsageOptions {
  readonly collection: Collection
  /** Blobs that stay in any case. */
  readonly roots: () => readonly BlobRoot[]
}

const kept = [
  { folder: 'cache-mounts', type: 'exec.cachemount', prefix: 'cache', form: 'slots' },
  { folder: 'local', type: 'source.local', prefix: 'local', form: 'slots' },
  { folder: 'git', type: 'regular', prefix: 'git', form: 'plain' },
] as const

/** Records of layers, cache mounts, repositories and copies of clients' directories. */
export function createDiskUsage(root: string, state: State, options: DiskUsageOptions): DiskUsage {
  const { roots, collection } = options
  const measure = async (path: string, signal?: AbortSignal): Promise<number> =>
    (await state.jobs.run('measure', { path }, signal ? { signal } : {})).diskBytes
  const directories = kept.map(({ folder, ...kind }) =>
    directoryRecords({ root: join(root, folder), ...kind }, measure),
  )
  const source = joined([layerUsage(state), ...directories], root)
  const stamp = join(root, 'collected')
  const disk = (): DiskSpace => {
    const { blocks, bavail, bsize } = statfsSync(root)
    return { total: blocks * bsize, free: bavail * bsize }
  }
  return {
    async records(filters, signal) {
      return (await source.records(signal)).filter(parsed('diskusage', filters))
    },
    async *prune(rule, now, signal) {
      parsed('prune', rule.filters ?? [])
      yield* prune(source, [rule], { disk: disk(), now, ...(signal ? { signal } : {}) })
      await collectBlobs(
        state,
        { blobs: roots() },
        { now, graceMs: rule.all ? 0 : 60_000, ...(signal ? { signal } : {}) },
      )
    },
    async collect(now) {
      const last = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs
      if (last !== undefined && now - last < collection.everyMs) return
      writeFileSync(stamp, '')
      if (last === undefined && collection.lateFirst) return
      const space = disk()
      for await (const _ of prune(source, collection.rules(space), { disk: space, now })) {
        // Removing is all that is wanted.
      }
      await collectBlobs(state, { blobs: roots() }, { now })
    },
    rules: () => collection.rules(disk()),
  }
}

function parsed(what: string, filters: readonly string[]): RecordFilter {
  try {
    return parseRecordFilter(filters)
  } catch (e) {
    throw wrapError(`failed to parse ${what} filters [${filters.join(' ')}]`, e)
  }
}

/** Several sources as one, with ids as clients know them. */
function joined(sources: readonly UsageSource[], store: string): UsageSource {
  const own = new Map<string, string>()
  const shown = (id: string): string => {
    const name = recordId(store, id)
    own.set(name, id)
    return name
  }
  return {
    async records(signal) {
      const all: UsageRecord[] = []
      for (const source of sources) all.push(...(await source.records(signal)))
      return all.map(record => ({ ...record, id: shown(record.id), parents: record.parents.map(shown) }))
    },
    async remove(name) {
      const id = own.get(name)
      if (id === undefined) return false
      own.delete(name)
      for (const source of sources) if (await source.remove(id)) return true
      return false
    },
  }
}
