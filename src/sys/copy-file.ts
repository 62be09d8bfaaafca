import { readSync, writeSync } from 'node:fs'
import type { Pieces } from '../async/pieces.ts'
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

/** Bytes that the kernel is asked to copy at once: a moment's work. */
const piece = 16 << 20

/**
 * As `copyFileData`, for files of any size on a thread that has more to do. No more than `size` bytes, so that a file that
 * grows ends; where that is 0, all there is (a file of the kernel's making).
 */
export function* copyDataInPieces(from: number, to: number, size: number): Pieces<void> {
  if (size === 0) {
    copyFileData(from, to, 0)
    return
  }
  let left = size
  if (size > small) {
    const c = libc()
    while (left > 0) {
      const n = Number(c.copy_file_range(from, null, to, null, Math.min(left, piece), 0))
      const errno = n < 0 ? c.errno() : 0
      if (errno !== 0 && !fallback.has(errno)) throw errnoError(errno, 'copy_file_range')
      if (n <= 0) break
      left -= n
      yield
    }
  }
  const chunk = left === 0 ? undefined : Buffer.allocUnsafe(Math.min(bufferSize, left))
  while (chunk !== undefined && left > 0) {
    const n = readSync(from, chunk, 0, Math.min(left, chunk.length), null)
    if (n === 0) return
    writeFully(to, chunk, n)
    left -= n
    yield
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
