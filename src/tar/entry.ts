/** Kinds of archive members. */
export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo'

/** One member of an archive, without its content. Names are path strings (`bytes/path-string.ts`), as they stand in the archive. */
export interface TarEntry {
  readonly type: TarType
  readonly name: string
  /** Target of a symlink, or the name of the earlier member that a hard link repeats; empty for the rest. */
  readonly linkname: string
  /** Permission bits with setuid, setgid and sticky: 0 to 07777. */
  readonly mode: number
  /** Owner's ids, 0 to 2^32 - 1. */
  readonly uid: number
  readonly gid: number
  /** Bytes of content that a file has once it is unpacked, holes counted; 0 for the rest. */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  readonly devmajor: number
  readonly devminor: number
  /** Extended attributes by their full names; values are bytes. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/** No extended attributes. */
export const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

/** Bytes per block. */
export const blockSize = 512

/** The letter of each kind in the header. Source: POSIX pax, "ustar Interchange Format". */
export const typeFlags: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}
