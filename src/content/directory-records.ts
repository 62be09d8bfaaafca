import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { UsageRecord, UsageRecordType, UsageSource } from './usage-record.ts'
import { type FileLock, lock as lockFile, tryLock } from '../sys/file-lock.ts'

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

/** Held, for moments only, by whoever looks which slots of a folder are free. */
export async function chooseSlot(folder: string, signal?: AbortSignal): Promise<FileLock> {
  return await lockFile(join(folder, 'choose.lock'), { signal })
}

/** Kept directories below `root`, and what they are called in disk usage. */
export interface KeptDirectories {
  readonly root: string
  readonly type: UsageRecordType
  /** Begins the ids. */
  readonly prefix: string
  /** `root/KEY/SLOT/`, numbered, with what is kept in its folder `fs`; or just `root/KEY/`. */
  readonly form: 'slots' | 'plain'
}

/**
 * Directories that change while they are used, as records of disk usage: each has a file of its name and `.lock` beside it that
 * is held while somebody uses it.
 */
export function directoryRecords(kept: KeptDirectories, measure: Measure): UsageSource {
  const { root, type, prefix, form } = kept
  const slots = function* (): Iterable<{ id: string; folder: string; content: string; lock: string }> {
    for (const key of namesIn(root)) {
      const folder = join(root, key)
      if (form === 'plain') {
        if (!key.includes('.'))
          yield { id: `${prefix}-${key}`, folder, content: folder, lock: `${folder}.lock` }
        continue
      }
      for (const slot of namesIn(folder)) {
        if (!/^\d+$/.test(slot)) continue
        yield {
          id: `${prefix}-${key}-${slot}`,
          folder: join(folder, slot),
          content: join(folder, slot, 'fs'),
          lock: join(folder, `${slot}.lock`),
        }
      }
    }
  }
  const take = async (lock: string, signal?: AbortSignal): Promise<FileLock | undefined> => {
    using _choosing = form === 'slots' ? await chooseSlot(dirname(lock), signal) : undefined
    return tryLock(lock)
  }
  const isInUse = async (lock: string, signal?: AbortSignal): Promise<boolean> => {
    using _choosing = form === 'slots' ? await chooseSlot(dirname(lock), signal) : undefined
    using free = tryLock(lock)
    return free === undefined
  }
  return {
    async records(signal) {
      const records: UsageRecord[] = []
      for (const { id, folder, content, lock } of slots()) {
        const path = join(folder, factsFile)
        const stat = statSync(path, { throwIfNoEntry: false })
        if (stat === undefined) continue
        const facts = readFacts(path)
        const inUse = await isInUse(lock, signal)
        records.push({
          id,
          type,
          description: typeof facts.description === 'string' ? facts.description : '',
          inUse,
          mutable: true,
          shared: false,
          size: await measure(content, signal),
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
        using free = await take(slot.lock)
        if (free === undefined) return false
        await rm(slot.folder, { recursive: true, force: true })
        return true
      }
      return false
    },
  }
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])
