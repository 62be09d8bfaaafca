import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { UsageRecord, UsageRecordType, UsageSource } from '../content/usage-record.ts'
import { tryLock } from '../sys/file-lock.ts'

/** How many bytes a directory takes on disk. */
export type Measure = (path: string, signal?: AbortSignal) => Promise<number>

interface Facts {
  readonly description?: unknown
  readonly uses?: unknown
  readonly created?: unknown
}

const factsFile = 'record.json'

/** Notes in a slot's folder that it is used now; `description` is what disk usage shows. `now` in milliseconds since 1970. */
export function touchDirectoryRecord(folder: string, description: string, now: number): void {
  const path = join(folder, factsFile)
  const known = readFacts(path)
  const uses = typeof known.uses === 'number' ? known.uses + 1 : 1
  const created = typeof known.created === 'number' ? known.created : now
  writeFileSync(path, JSON.stringify({ description, uses, created }))
  utimesSync(path, now / 1000, now / 1000)
}

function readFacts(path: string): Facts {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Facts
  } catch {
    return {}
  }
}

/**
 * Directories that change while they are used, as records of disk usage: `root/KEY/SLOT/`, each with `SLOT.lock` beside it
 * that is held while somebody uses it.
 */
export function directoryRecords(
  root: string,
  type: UsageRecordType,
  prefix: string,
  measure: Measure,
): UsageSource {
  const slots = function* (): Iterable<{ id: string; folder: string; lock: string }> {
    if (!existsSync(root)) return
    for (const key of readdirSync(root)) {
      for (const slot of readdirSync(join(root, key))) {
        if (/^\d+$/.test(slot))
          yield {
            id: `${prefix}-${key}-${slot}`,
            folder: join(root, key, slot),
            lock: join(root, key, `${slot}.lock`),
          }
      }
    }
  }
  return {
    async records(signal) {
      const records: UsageRecord[] = []
      for (const { id, folder, lock } of slots()) {
        const path = join(folder, factsFile)
        const stat = statSync(path, { throwIfNoEntry: false })
        if (stat === undefined) continue
        const facts = readFacts(path)
        using free = tryLock(lock)
        records.push({
          id,
          type,
          description: typeof facts.description === 'string' ? facts.description : '',
          inUse: free === undefined,
          mutable: true,
          shared: false,
          size: await measure(folder, signal),
          parents: [],
          createdMs: typeof facts.created === 'number' ? facts.created : stat.mtimeMs,
          lastUsedMs: stat.mtimeMs,
          usageCount: typeof facts.uses === 'number' ? facts.uses : 1,
        })
      }
      return records
    },
    async remove(id) {
      for (const slot of slots()) {
        if (slot.id !== id) continue
        using free = tryLock(slot.lock)
        if (free === undefined) return false
        await rm(slot.folder, { recursive: true, force: true })
        return true
      }
      return false
    },
  }
}
