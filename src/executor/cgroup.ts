import { accessSync, constants, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../async/abort.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { parseMountinfo } from '../sys/mountinfo.ts'

/** The control group hierarchies of the machine. Source: cgroups(7). */
export interface Cgroups {
  /** Mount points: one per controller (version 1), or a single one (version 2), or both. */
  readonly hierarchies: readonly string[]
  /** Only version 2 is in use. */
  readonly unified: boolean
  /** Groups can be made in all of them. */
  readonly writable: boolean
}

/** Parent group of all containers, where no other is asked for. */
export const groupParent = '/slipway'

/** Reads which hierarchies are mounted. `mountinfo` is the text of /proc/self/mountinfo. */
export function detectCgroups(mountinfo: string): Cgroups {
  const mounts = parseMountinfo(mountinfo).filter(
    mount => mount.type === 'cgroup' || mount.type === 'cgroup2',
  )
  const hierarchies = [...new Set(mounts.map(mount => mount.mountPoint))]
  return {
    hierarchies,
    unified: mounts.length > 0 && mounts.every(mount => mount.type === 'cgroup2'),
    writable: hierarchies.length > 0 && hierarchies.every(isWritable),
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Path of a container's group below each hierarchy's root. A parent of systemd's form (`system.slice:prefix:`) is passed
 * on as it is. Source: BuildKit v0.32.2 executor/oci/spec.go.
 */
export function groupPath(id: string, parent: string | undefined): string {
  if (!parent) return join(groupParent, id)
  if (parent.includes('.slice') && parent.endsWith(':')) return parent + id
  return join('/', parent, groupParent, id)
}

/** Tells whether the kernel killed a process of the group because its memory was used up. */
export function wasOutOfMemory(cgroups: Cgroups, path: string): boolean {
  return cgroups.hierarchies.some(root =>
    ['memory.events', 'memory.oom_control'].some(name => {
      const text = read(join(root, path, name))
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0
    }),
  )
}

/** Removes a container's group from all hierarchies. Its last processes may still be on their way out. */
export async function removeGroup(cgroups: Cgroups, path: string): Promise<void> {
  const left = new Set(cgroups.hierarchies.map(root => join(root, path)))
  for (let pause = 1; pause < 1000; pause *= 2) {
    for (const directory of left) if (removeDirectory(directory)) left.delete(directory)
    if (left.size === 0) return
    await sleep(pause)
  }
}

/** Groups that killed processes left behind: empty ones that are older than a minute. */
export function removeAbandonedGroups(cgroups: Cgroups, now: number): void {
  for (const root of cgroups.hierarchies) {
    const parent = join(root, groupParent)
    for (const name of list(parent)) {
      const directory = join(parent, name)
      const stats = statSync(directory, { throwIfNoEntry: false })
      if (stats?.isDirectory() && now - stats.mtimeMs > 60_000) removeDirectory(directory)
    }
  }
}

/** False where the group is still in use. */
function removeDirectory(directory: string): boolean {
  try {
    for (const name of list(directory)) {
      if (statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory()) {
        removeDirectory(join(directory, name))
      }
    }
    rmdirSync(directory)
    return true
  } catch (error) {
    return errnoOf(error) !== 'EBUSY'
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
