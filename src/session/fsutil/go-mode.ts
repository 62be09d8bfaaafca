import { constants } from 'node:fs'

/** Bits of Go's `os.FileMode` besides the nine permission bits. https://pkg.go.dev/io/fs#FileMode */
export const goMode = {
  directory: 0x8000_0000,
  symlink: 0x0800_0000,
  device: 0x0400_0000,
  fifo: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  charDevice: 0x0020_0000,
  sticky: 0x0010_0000,
} as const

const typeMask =
  goMode.directory +
  goMode.symlink +
  goMode.device +
  goMode.fifo +
  goMode.socket +
  goMode.charDevice +
  0x0008_0000

/** What an entry is. Sockets travel as plain files without content. */
export type EntryKind = 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket' | 'file'

/** The kind in a Go mode; `file` for a regular one, and for types that nothing makes. */
export function kindOf(mode: number): EntryKind {
  if (has(mode, goMode.directory)) return 'directory'
  if (has(mode, goMode.symlink)) return 'symlink'
  if (has(mode, goMode.charDevice)) return 'char'
  if (has(mode, goMode.device)) return 'block'
  if (has(mode, goMode.fifo)) return 'fifo'
  return has(mode, goMode.socket) ? 'socket' : 'file'
}

/** Tells whether the content of an entry may be asked for: no type bit at all. Both sides must agree on this. */
export function hasContent(mode: number): boolean {
  return (mode & typeMask) === 0
}

/** A mode of `lstat` as a Go mode. The socket bit is left out: receivers could not make one. */
export function toGoMode(mode: number): number {
  const type = goTypes[mode & constants.S_IFMT] ?? 0
  const special =
    (mode & 0o4000 ? goMode.setuid : 0) +
    (mode & 0o2000 ? goMode.setgid : 0) +
    (mode & 0o1000 ? goMode.sticky : 0)
  return type + special + (mode & 0o777)
}

/** The twelve low bits of a Unix mode (`0o7777`) of a Go mode. */
export function unixPermissions(mode: number): number {
  return (
    (mode & 0o777) |
    (has(mode, goMode.setuid) ? 0o4000 : 0) |
    (has(mode, goMode.setgid) ? 0o2000 : 0) |
    (has(mode, goMode.sticky) ? 0o1000 : 0)
  )
}

const goTypes: Readonly<Record<number, number>> = {
  [constants.S_IFDIR]: goMode.directory,
  [constants.S_IFLNK]: goMode.symlink,
  [constants.S_IFBLK]: goMode.device,
  [constants.S_IFCHR]: goMode.device + goMode.charDevice,
  [constants.S_IFIFO]: goMode.fifo,
}

function has(mode: number, bit: number): boolean {
  return (mode & bit) !== 0
}
