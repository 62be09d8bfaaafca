import { errnoError } from './errno-error.ts'
import { cString, libc } from './libc.ts'

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const times = Buffer.allocUnsafeSlow(32)

/** Sets access and modification time to the nanosecond; a symlink itself is changed, not its target. */
export function setTimes(path: string, atimeNs: bigint, mtimeNs: bigint): void {
  fill(atimeNs, mtimeNs)
  const c = libc()
  if (c.utimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW) < 0) {
    throw errnoError(c.errno(), 'utimensat', path)
  }
}

/** The same for an open file. */
export function setFileTimes(fd: number, atimeNs: bigint, mtimeNs: bigint): void {
  fill(atimeNs, mtimeNs)
  const c = libc()
  if (c.futimens(fd, times) < 0) throw errnoError(c.errno(), 'futimens')
}

/** `timespec[2]`; the nanoseconds of a time before 1970 count upwards too. */
function fill(atimeNs: bigint, mtimeNs: bigint): void {
  let at = 0
  for (const ns of [atimeNs, mtimeNs]) {
    const rest = ((ns % billion) + billion) % billion
    times.writeBigInt64LE((ns - rest) / billion, at)
    times.writeBigInt64LE(rest, at + 8)
    at += 16
  }
}

const billion = 1_000_000_000n
