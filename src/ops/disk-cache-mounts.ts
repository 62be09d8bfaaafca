import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from '../sys/file-lock.ts'
import { touchDirectoryRecord } from '../content/directory-records.ts'
import type { CacheMountLease, CacheMountRequest, CacheMounts } from './cache-mounts.ts'
import { type HeldSlot, retireSlots, takeSlot } from './cache-slots.ts'

/** Copies what a stack of layers shows into an empty directory. */
export type CopyLayers = (layers: readonly string[], target: string, signal: AbortSignal) => Promise<void>

/**
 * Cache mounts as directories below `root`, one folder for each identity and tree to begin with, in it numbered slots
 * (`cache-slots.ts`). File locks hold between processes too, and end with the process. What a cache begins with is copied: several containers see the changes of each other,
 * which overlays in name spaces of their own would not show.
 */
export function createDiskCacheMounts(root: string, copyLayers: CopyLayers): CacheMounts {
  return {
    async acquire(request) {
      const folder = join(root, folderOf(request.id, request.base))
      await mkdir(folder, { recursive: true, mode: 0o711 })
      const slot = await takeSlot(folder, request.sharing, request.signal)
      try {
        return await openSlot(slot, request, copyLayers)
      } catch (e) {
        await slot[Symbol.asyncDispose]()
        throw e
      }
    },
    async clear(ids) {
      const prefixes = new Set([...ids].map(id => folderOf(id, [])))
      const folders = await readdir(root).catch((): string[] => [])
      for (const folder of folders.filter(name => prefixes.has(name.split('.')[0] ?? ''))) {
        await retireSlots(join(root, folder))
      }
    },
  }
}

const hash = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length)

const folderOf = (id: string, base: readonly string[]): string =>
  base.length === 0 ? hash(id, 32) : `${hash(id, 32)}.${hash(base.join(' '), 16)}`

async function openSlot(
  slot: HeldSlot,
  request: CacheMountRequest,
  copyLayers: CopyLayers,
): Promise<CacheMountLease> {
  const { path } = slot
  const directory = join(path, 'fs')
  {
    // Those that share the slot come at the same time; one of them makes it.
    using _making = await lock(`${path}.making`, { signal: request.signal })
    if (isOverlaid(path)) await rm(path, { recursive: true, force: true })
    if (!existsSync(directory)) await make(path, directory, request, copyLayers)
    touchDirectoryRecord(path, request.description, Date.now())
  }
  return {
    path: directory,
    async [Symbol.asyncDispose]() {
      await slot[Symbol.asyncDispose]()
    },
  }
}

async function make(
  path: string,
  directory: string,
  request: CacheMountRequest,
  copyLayers: CopyLayers,
): Promise<void> {
  const draft = join(path, 'draft')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o755 })
  if (request.base.length > 0) await copyLayers(request.base, draft, request.signal)
  const { id, description } = request
  await writeFile(join(path, 'mount.json'), JSON.stringify({ id, description }))
  await rename(draft, directory)
}

/** Whether the slot holds only what was changed in a tree: slots of older versions did. */
function isOverlaid(path: string): boolean {
  try {
    const facts = JSON.parse(readFileSync(join(path, 'mount.json'), 'utf8')) as { base?: unknown }
    return Array.isArray(facts.base) && facts.base.length > 0
  } catch {
    return false
  }
}
