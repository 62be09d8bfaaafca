import { constants } from 'node:fs'
import { errnoError } from './errno-error.ts'
import { cString, libc } from './libc.ts'

const RESOLVE_NO_MAGICLINKS = 2
const RESOLVE_NO_SYMLINKS = 4
const RESOLVE_BENEATH = 8

/**
 * Opens the file `path` (relative, no symlinks in it) below the directory `dirfd`: a symlink that somebody puts into
 * the path meanwhile makes it fail with `ELOOP`, never lead outside. Answers undefined where the kernel has no `openat2`
 * (before 5.6) or a sandbox refuses it. `flags` as of `open`. Source: openat2(2).
 */
export function openBeneath(
  dirfd: number,
  path: string,
  flags: number = constants.O_RDONLY,
): number | undefined {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags | constants.O_NOFOLLOW | O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH), 16)
  const c = libc()
  const fd = c.openat2(dirfd, cString(path), how, how.length)
  if (fd >= 0) return fd
  const errno = c.errno()
  if (errno === ENOSYS || errno === EPERM) return undefined
  throw errnoError(errno, 'open', path)
}

const O_CLOEXEC = 0o2000000
const ENOSYS = 38
const EPERM = 1
