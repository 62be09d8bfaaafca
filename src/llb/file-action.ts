import type { Output } from './vertex.ts'

/** A user or group: a number, or a name to be looked up in the tree that is changed. */
export type UserRef = { readonly id: number } | { readonly name: string }

/** Owner of new files. An absent group is left to the daemon. */
export interface Owner {
  readonly user?: UserRef | undefined
  readonly group?: UserRef | undefined
}

/** Nanoseconds since 1970. */
type Moment = bigint

/** Makes a directory. */
export interface MkdirAction {
  readonly kind: 'mkdir'
  readonly path: string
  readonly mode: number
  readonly parents: boolean
  readonly owner?: Owner | undefined
  readonly created?: Moment | undefined
}

/** Writes a file. */
export interface MkfileAction {
  readonly kind: 'mkfile'
  readonly path: string
  readonly mode: number
  readonly data: Uint8Array
  readonly owner?: Owner | undefined
  readonly created?: Moment | undefined
}

/** Removes a path. */
export interface RmAction {
  readonly kind: 'rm'
  readonly path: string
  readonly allowNotFound?: boolean
  readonly allowWildcard?: boolean
}

/** Makes a symlink `newPath` that points to `oldPath`. */
export interface SymlinkAction {
  readonly kind: 'symlink'
  readonly oldPath: string
  readonly newPath: string
  readonly owner?: Owner | undefined
  readonly created?: Moment | undefined
}

/** Copies from another tree. */
export interface CopyAction {
  readonly kind: 'copy'
  readonly from: Output | undefined
  /** Absolute path in `from`. */
  readonly source: string
  /** A trailing `/` or `/.` says "into". */
  readonly destination: string
  readonly owner?: Owner | undefined
  /** Permission bits, or a symbolic mode as in chmod(1); undefined keeps those of the source. */
  readonly mode?: number | string | undefined
  readonly followSymlinks?: boolean
  readonly contentsOnly?: boolean
  readonly unpack?: boolean
  readonly createDestination?: boolean
  readonly allowWildcard?: boolean
  readonly allowEmptyWildcard?: boolean
  readonly created?: Moment | undefined
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly required?: readonly string[]
  readonly replaceExisting?: boolean
}

/** One change of a file tree. Paths are absolute. */
export type FileAction = MkdirAction | MkfileAction | RmAction | SymlinkAction | CopyAction

/** Reads `user[:group]`: numbers and `root` are ids, everything else is a name. */
export function parseOwner(text: string): Owner {
  const at = text.indexOf(':')
  if (at < 0) return { user: userRef(text) }
  return { user: userRef(text.slice(0, at)), group: userRef(text.slice(at + 1)) }
}

function userRef(text: string): UserRef {
  if (text === 'root' || text === '') return { id: 0 }
  const id = /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN
  return id >= -(2 ** 31) && id < 2 ** 31 ? { id: id >>> 0 } : { name: text }
}
