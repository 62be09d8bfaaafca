import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { mount, unmount } from '../sys/mount.ts'

/**
 * Tells whether overlayfs can be mounted with directories of `folder`: not where that lies on an overlay itself, or the
 * process may not mount. The mount is gone again when this returns.
 */
export function canMountOverlay(folder: string, userXattr: boolean): boolean {
  const base = mkdtempSync(join(folder, 'probe-'))
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(base, name))
    const parts = ['lower', 'upper', 'work'].map(name => `${name}dir=${join(base, name)}`)
    const target = join(base, 'merged')
    const options = [...parts, ...(userXattr ? ['userxattr'] : [])]
    const attempt = (more: readonly string[]): boolean => {
      try {
        mount('overlay', target, 'overlay', 0, [...options, ...more].join(','))
        unmount(target, { detach: true })
        return true
      } catch {
        return false
      }
    }
    // Volatile (Linux 5.10): the end of a mount that syncs waits for all that the file system has to write.
    return attempt(['volatile']) || attempt([])
  } catch {
    return false
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}
