import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileLock, lock, tryLock } from '../sys/file-lock.ts'
import { touchDirectoryRecord } from './directory-records.ts'
import type { CacheMountLease, CacheMountRequest, CacheMounts } from './cache-mounts.ts'

/**
 * Cache mounts as directories below `root`, one folder for each identity, in it numbered slots: `shared` and `locked`
 * mounts use the first one, `private` ones the first that is free. File locks hold between processes too, and end with
 * the process.
 */
export function createDiskCacheMounts(root: string): CacheMounts {
  return {
    async acquire(request) {
      const folder = folderOf(root, request.id)
      await mkdir(folder, { recursive: true, mode: 0o711 })
      const { held, slot } = await takeSlot(folder, request)
      try {
        return await openSlot(join(folder, String(slot)), request, held)
      } catch (e) {
        held[Symbol.dispose]()
        throw e
      }
    },
    async clear(ids) {
      for (const id of ids) {
        const folder = folderOf(root, id)
        const names = await readdir(folder).catch((): string[] => [])
        for (const slot of names.filter(name => /^\d+$/.test(name))) {
          using held = tryLock(join(folder, `${slot}.lock`))
          if (held !== undefined) await rm(join(folder, slot), { recursive: true, force: true })
        }
      }
    },
  }
}

const folderOf = (root: string, id: string): string =>
  join(root, createHash('sha256').update(id).digest('hex').slice(0, 32))

async function takeSlot(
  folder: string,
  request: CacheMountRequest,
): Promise<{ held: FileLock; slot: number }> {
  const { signal, sharing } = request
  if (sharing !== 'private') {
    return { held: await lock(join(folder, '0.lock'), { shared: sharing === 'shared', signal }), slot: 0 }
  }
  for (let slot = 0; ; slot++) {
    const held = tryLock(join(folder, `${slot}.lock`))
    if (held) return { held, slot }
  }
}

async function openSlot(path: string, request: CacheMountRequest, held: FileLock): Promise<CacheMountLease> {
  const directory = join(path, 'fs')
  const work = join(path, 'work')
  const facts = join(path, 'mount.json')
  await mkdir(directory, { recursive: true, mode: 0o755 })
  await mkdir(work, { recursive: true, mode: 0o700 })
  touchDirectoryRecord(path, request.description, Date.now())
  const lowers = existsSync(facts) ? readBase(facts) : request.base
  if (!existsSync(facts)) {
    await writeFile(
      facts,
      JSON.stringify({ id: request.id, description: request.description, base: request.base }),
    )
  }
  return {
    path: directory,
    lowers,
    work,
    async [Symbol.asyncDispose]() {
      held[Symbol.dispose]()
    },
  }
}

/** Layers that the directory began with: they stay below it, whatever the step that uses it says now. */
function readBase(path: string): readonly string[] {
  try {
    const facts = JSON.parse(readFileSync(path, 'utf8')) as { base?: unknown }
    return Array.isArray(facts.base) ? facts.base.map(String) : []
  } catch {
    return []
  }
}
