import { closeSync, openSync, readSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { getXattr } from '../sys/xattr.ts'
import type { Found } from './layer-tree.ts'
import { readLink } from './read-entry.ts'

const second = 1_000_000_000n
const bufferSize = 64 * 1024

/**
 * Tells whether an entry of an upper directory is the one below it, untouched: overlayfs copies files up that were only
 * opened for writing, and every directory on the way to a change. Times of directories do not count. Files of layers
 * that were unpacked have whole seconds; two such files with equal times are compared byte by byte.
 * Rules: https://github.com/moby/buildkit/blob/v0.32.2/util/overlay/overlay_linux.go, sameDirent
 */
export function isUnchanged(below: Found, above: Found): boolean {
  const a = below.stat
  const b = above.stat
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false
  if (!sameCapability(below.real, above.real)) return false
  if (b.isDirectory()) return true
  if (a.size !== b.size || a.mtimeNs / second !== b.mtimeNs / second) return false
  const whole = a.mtimeNs % second === 0n && b.mtimeNs % second === 0n
  if (!whole) return a.mtimeNs === b.mtimeNs
  if (b.isSymbolicLink()) return readLink(below.real) === readLink(above.real)
  return !b.isFile() || b.size === 0n || sameData(below.real, above.real)
}

function sameCapability(a: string, b: string): boolean {
  const name = 'security.capability'
  const left = getXattr(a, name)
  const right = getXattr(b, name)
  return left === undefined || right === undefined ? left === right : left.equals(right)
}

function sameData(a: string, b: string): boolean {
  const left = Buffer.allocUnsafe(bufferSize)
  const right = Buffer.allocUnsafe(bufferSize)
  const from = openSync(fsPath(a), 'r')
  const to = openSync(fsPath(b), 'r')
  try {
    for (;;) {
      const n = readSync(from, left)
      const m = readFully(to, right, n)
      if (n !== m || !left.subarray(0, n).equals(right.subarray(0, n))) return false
      if (n === 0) return readSync(to, right) === 0
    }
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

function readFully(fd: number, buffer: Buffer, length: number): number {
  let done = 0
  while (done < length) {
    const n = readSync(fd, buffer, done, length - done, null)
    if (n === 0) break
    done += n
  }
  return done
}
