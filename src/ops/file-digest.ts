import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { atOnce, type Pieces } from '../async/pieces.ts'
import { encodeName } from '../bytes/path-string.ts'
import type { Entry } from '../snapshot/tree.ts'

const typeFlag = {
  file: '0',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  socket: '0',
} as const satisfies Record<Entry['kind'], string>

/** Attributes that say something about the machine, not about the file, are left out. */
const counts = (name: string): boolean =>
  name === 'security.capability' || (!name.startsWith('security.') && !name.startsWith('system.'))

/**
 * What a file is, as bytes to be hashed before its data: mode, owner, size, type, link target, device numbers and
 * extended attributes, and never a time. The form is that of "tarsum v1", so that keys agree with BuildKit's.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/cache/contenthash/tarsum.go
 */
function headerBytes(entry: Entry, xattrs: ReadonlyMap<string, Uint8Array>): Buffer {
  const size = entry.kind === 'file' ? entry.size : 0
  const mode = entry.kind === 'symlink' ? 0o777 : entry.mode
  const text =
    `namemode${mode}uid${entry.uid}gid${entry.gid}size${size}typeflag${typeFlag[entry.kind]}` + 'linkname'
  const devices = `unamegnamedevmajor${entry.devmajor ?? 0}devminor${entry.devminor ?? 0}`
  const parts = [Buffer.from(text), encodeName(entry.linkname ?? ''), Buffer.from(devices)]
  const names = [...xattrs.keys()].filter(counts).sort()
  for (const name of names) parts.push(encodeName(name), Buffer.from(xattrs.get(name) ?? []))
  return Buffer.concat(parts)
}

const buffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Files up to this size are digested in a moment. */
const mostAtOnce = buffer.length

/** Whether digesting an entry takes so long that it is done in pieces. */
export const isLong = (entry: Entry): boolean => entry.kind === 'file' && entry.size > mostAtOnce

/**
 * Digest (`sha256:…`) of one entry: what it is and, for a file, as much of its data, read from `fd`, as its size says. A
 * file that grows has the digest of what it was.
 */
export function fileDigest(entry: Entry, xattrs: ReadonlyMap<string, Uint8Array>, fd?: number): string {
  const header = headerBytes(entry, xattrs)
  const size = entry.kind === 'file' ? entry.size : 0
  if (fd === undefined || size === 0) return `sha256:${hash('sha256', header, 'hex')}`
  if (header.length + size > buffer.length) return atOnce(longFileDigest(entry, xattrs, fd))
  header.copy(buffer)
  const end = header.length + size
  let at = header.length
  for (let n = 1; n > 0 && at < end; at += n) n = readSync(fd, buffer, at, end - at, null)
  return `sha256:${hash('sha256', buffer.subarray(0, at), 'hex')}`
}

/** The same, of a file of any size. */
export function* longFileDigest(
  entry: Entry,
  xattrs: ReadonlyMap<string, Uint8Array>,
  fd: number,
): Pieces<string> {
  const state = createHash('sha256').update(headerBytes(entry, xattrs))
  for (let left = entry.size; left > 0; ) {
    const n = readSync(fd, buffer, 0, Math.min(left, buffer.length), null)
    if (n === 0) break
    state.update(buffer.subarray(0, n))
    left -= n
    yield
  }
  return `sha256:${state.digest('hex')}`
}
