import type { Pieces } from '../async/pieces.ts'

/** Kinds of directory entries. */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'char' | 'block' | 'socket'

/** What is known of one entry without reading its content. Path strings as in `bytes/path-string.ts`. */
export interface Entry {
  readonly kind: EntryKind
  /** Permission bits with setuid, setgid and sticky: 0 to 07777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes; 0 for everything but files (for symlinks the length of the target is not counted). */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  /** Target of a symlink. */
  readonly linkname?: string
  readonly devmajor?: number
  readonly devminor?: number
  /** Inode identity `dev:ino` where more than one name leads to the file. */
  readonly hardlinkKey?: string
  /** Changes whenever the file may have changed, for directories that live: device, inode and times. */
  readonly statKey?: string
}

/**
 * Read side of a file tree: a plain directory or a stack of layers. Every path is taken inside the root: it is cleaned,
 * `..` stops at the root, and symlinks (absolute ones included) are resolved inside it. All methods are synchronous: they
 * run where bulk work runs. Throws `not-found`, `failed-precondition` (not a directory, too many links).
 */
export interface FileTree extends Disposable {
  /** The entry at `path`, the last component not followed; undefined where there is none. */
  lstat(path: string): Entry | undefined
  /** The canonical path (no symlinks; leading `/`) of `path`. `followLast` defaults to true. Components that do not exist are kept as they are. */
  resolve(path: string, options?: { followLast?: boolean }): string
  /** Names in a directory, sorted by bytes. `path` must be canonical. */
  readdir(path: string): readonly string[]
  /** Content of a file at a canonical path; the caller closes the descriptor. */
  open(path: string): number
  /** Extended attributes of a canonical path: name to value. */
  xattrs(path: string): ReadonlyMap<string, Uint8Array>
  /** Real path on disk of a canonical path, for tools that need one (never to be written to). */
  realPath(path: string): string
}

/** What a write may set; absent members keep what is there, or the default of the operation. */
export interface EntryAttributes {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtimeNs?: bigint
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
}

/**
 * A tree that can be changed: writes land in the upper directory of an active layer, with parents copied up so that
 * they keep mode, owner, times and attributes. Paths must be canonical.
 */
export interface WritableTree extends FileTree {
  mkdir(path: string, attributes: EntryAttributes): void
  /** Creates or replaces a file; `write` gets the open descriptor. */
  writeFile(path: string, attributes: EntryAttributes, write: (fd: number) => void): void
  /** As `writeFile`, with content that takes long. */
  writeInPieces(path: string, attributes: EntryAttributes, write: (fd: number) => Pieces<void>): Pieces<void>
  symlink(path: string, target: string, attributes: EntryAttributes): void
  /** Another name for a file that this tree already wrote. */
  link(path: string, existing: string): void
  mknod(path: string, entry: Pick<Entry, 'kind' | 'devmajor' | 'devminor'>, attributes: EntryAttributes): void
  /** Changes attributes of what is there (copied up first where needed). */
  setAttributes(path: string, attributes: EntryAttributes): void
  /** Removes a file or a whole directory, leaving a whiteout where a lower layer has the name. */
  remove(path: string): void
}
