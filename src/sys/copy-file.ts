import { readSync, writeSync } from 'node:fs'
import { errnoError } from './errno-error.ts'
import { libc } from './libc.ts'

const bufferSize = 256 * 1024
/** Below this, one read and one write are cheaper than asking the kernel to copy. */
const small = 64 * 1024
/** Errors after which a plain copy may work: EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ETXTBSY, EIO of some FUSE systems. */
const fallback = new Set([18, 22, 38, 95, 1, 26, 5])

/**
 * Copies the rest of an open file into another, from their current positions, and answers the number of bytes. File
 * systems with shared extents share them: the kernel clones where `copy_file_range` can. `size` is a guess (from
 * `fstat`) that only picks the way. Synchronous, for workers.
 */
export function copyFileData(from: number, to: number, size: number, buffer?: Uint8Array): number {
  let copied = 0
  if (size > small) {
    const c = libc()
    for (;;) {
      const n = Number(c.copy_file_range(from, null, to, null, 1 << 30, 0))
      const errno = n < 0 ? c.errno() : 0
      if (errno !== 0 && !fallback.has(errno)) throw errnoError(errno, 'copy_file_range')
      // Nothing at all may also be a file of the kernel's making (proc, sys): the loop below reads those.
      if (n <= 0) break
      copied += n
    }
    if (copied >= size) return copied
  }
  const chunk = buffer ?? Buffer.allocUnsafe(Math.min(bufferSize, Math.max(4096, size + 1)))
  for (;;) {
    const n = readSync(from, chunk, 0, chunk.length, null)
    if (n === 0) return copied
    writeFully(to, chunk, n)
    copied += n
  }
}

/** Writes `length` bytes (default all) at the file's position, however many calls that takes. */
export function writeFully(fd: number, bytes: Uint8Array, length: number = bytes.length): void {
  let done = 0
  while (done < length) done += writeSync(fd, bytes, done, length - done, null)
}

/** Writes bytes at an offset, however many calls that takes. */
export function writeFullyAt(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
}
