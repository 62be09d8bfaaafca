import { type BigIntStats, readlinkSync, symlinkSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { mknod } from '../sys/device.ts'
import { errnoOf } from '../sys/errno-error.ts'

/**
 * A deleted name is a character device 0:0, which overlayfs knows. Where such a device cannot be made (the state
 * directory itself lies on an overlay, as in a container) nothing can be mounted from it either, so any mark does: a
 * symlink with this target.
 */
const standIn = `(deleted)${'.'.repeat(88)}`
const standInLength = BigInt(standIn.length)

/** Marks the name of a path on disk, which is free, as deleted. */
export function makeWhiteout(path: string): void {
  try {
    mknod(path, 'char', 0)
  } catch (error) {
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'EOPNOTSUPP') throw error
    symlinkSync(standIn, fsPath(path))
  }
}

/** Tells whether what `stat` found at `path` marks a deleted name. */
export function isWhiteout(path: string, stat: BigIntStats): boolean {
  if (stat.isCharacterDevice()) return stat.rdev === 0n
  return stat.isSymbolicLink() && stat.size === standInLength && readlinkSync(fsPath(path)) === standIn
}
