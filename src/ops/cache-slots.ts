import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../async/abort.ts'
import { chooseSlot } from '../content/directory-records.ts'
import { type FileLock, tryLock } from '../sys/file-lock.ts'
import type { CacheSharing } from './cache-mounts.ts'

/** A numbered directory that is held. Disposing gives it back, and takes it away where it was retired meanwhile. */
export interface HeldSlot extends AsyncDisposable {
  readonly path: string
}

/** Milliseconds after which one who waits for a locked slot looks again. */
const pauseMs = 100

/**
 * Takes one of the numbered slots in `folder`: what others share now where `shared`, else the first that nobody uses, those
 * with files first; else a new one, but `locked` waits while there is one that will be free. As BuildKit:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/mounts/mount.go
 */
export async function takeSlot(
  folder: string,
  sharing: CacheSharing,
  signal: AbortSignal,
): Promise<HeldSlot> {
  for (;;) {
    {
      using _choosing = await chooseSlot(folder, signal)
      const held = tryTake(folder, sharing)
      if (held !== undefined) return heldSlot(folder, held)
    }
    await sleep(pauseMs, signal)
  }
}

/** Takes away the slots that nobody uses; those in use are nobody's from then on, and go when they are given back. */
export async function retireSlots(folder: string): Promise<void> {
  using _choosing = await chooseSlot(folder)
  for (const slot of slotsIn(folder)) {
    using free = tryLock(lockOf(folder, slot))
    if (free !== undefined) rmSync(join(folder, slot), { recursive: true, force: true })
    else writeFileSync(retiredMark(folder, slot), '')
  }
}

interface Taken {
  readonly slot: string
  readonly lock: FileLock
}

function tryTake(folder: string, sharing: CacheSharing): Taken | undefined {
  using free = new DisposableStack()
  const found: Taken[] = []
  let isBusy = false
  for (const slot of slotsIn(folder)) {
    const lock = tryLock(lockOf(folder, slot))
    if (lock !== undefined) found.push({ slot, lock: free.use(lock) })
    else if (!existsSync(retiredMark(folder, slot))) {
      const shared = sharing === 'shared' ? tryLock(lockOf(folder, slot), { shared: true }) : undefined
      if (shared !== undefined) return { slot, lock: shared }
      isBusy = true
    }
  }
  for (const { slot } of found) removeRetired(folder, slot)
  const filled = found.find(({ slot }) => existsSync(join(folder, slot)))
  if (filled === undefined && isBusy && sharing === 'locked') return undefined
  const slot = (filled ?? found[0])?.slot ?? newSlot(folder)
  free.dispose()
  const lock = tryLock(lockOf(folder, slot), { shared: sharing === 'shared' })
  return lock === undefined ? undefined : { slot, lock }
}

function heldSlot(folder: string, { slot, lock }: Taken): HeldSlot {
  return {
    path: join(folder, slot),
    async [Symbol.asyncDispose]() {
      lock[Symbol.dispose]()
      if (!existsSync(retiredMark(folder, slot))) return
      using last = tryLock(lockOf(folder, slot))
      if (last === undefined) return
      await rm(join(folder, slot), { recursive: true, force: true })
      await rm(retiredMark(folder, slot), { force: true })
    },
  }
}

/** Left by one who could not give it back. */
function removeRetired(folder: string, slot: string): void {
  if (!existsSync(retiredMark(folder, slot))) return
  rmSync(join(folder, slot), { recursive: true, force: true })
  rmSync(retiredMark(folder, slot), { force: true })
}

/** Names of the slots that were ever used, in their order. */
function slotsIn(folder: string): string[] {
  return readdirSync(folder)
    .flatMap(name => /^(\d+)\.lock$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
}

function newSlot(folder: string): string {
  const last = slotsIn(folder).at(-1)
  return last === undefined ? '0' : String(Number(last) + 1)
}

const lockOf = (folder: string, slot: string): string => join(folder, `${slot}.lock`)

const retiredMark = (folder: string, slot: string): string => join(folder, `${slot}.retired`)
