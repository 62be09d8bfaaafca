import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
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

const buffer = Buffer.allocUnsafe(256 * 1024)

/**
 * Digest (`sha256:…`) of one entry: what it is and, for a file, its data read from `fd`.
 */
export function fileDigest(entry: Entry, xattrs: ReadonlyMap<string, Uint8Array>, fd?: number): string {
  const hash = createHash('sha256').update(headerBytes(entry, xattrs))
  if (fd !== undefined && entry.kind === 'file') {
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) hash.update(buffer.subarray(0, n))
  }
  return `sha256:${hash.digest('hex')}`
}
