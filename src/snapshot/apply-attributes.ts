import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  openSync,
  symlinkSync,
} from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { copyFileData } from '../sys/copy-file.ts'
import { mknod } from '../sys/device.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { setFileTimes, setTimes } from '../sys/times.ts'
import { setXattr } from '../sys/xattr.ts'
import { isOverlayName, plainXattrs } from './overlay-xattr.ts'
import { entryOf, statPath } from './read-entry.ts'
import type { EntryAttributes, EntryKind } from './tree.ts'

/** Copies a file, symlink or node of one layer to another, with everything it has. */
export function copyEntry(from: string, to: string): void {
  const entry = entryOf(from, statPath(from) ?? missing(from))
  const attributes = { ...entry, xattrs: plainXattrs(from) }
  if (entry.kind === 'file') {
    const source = openSync(fsPath(from), constants.O_RDONLY | constants.O_NOFOLLOW)
    const target = openSync(fsPath(to), 'wx', 0o600)
    try {
      copyFileData(source, target, entry.size)
      applyToFile(target, to, attributes)
    } finally {
      closeSync(source)
      closeSync(target)
    }
    return
  }
  if (entry.kind === 'symlink') symlinkSync(fsPath(entry.linkname ?? ''), fsPath(to))
  else if (entry.kind !== 'directory') mknod(to, entry.kind, 0o600, entry.devmajor, entry.devminor)
  applyToPath(to, attributes, entry.kind)
}

/** Gives an open file its attributes. Owner first: changing it takes setuid bits and capabilities away. */
export function applyToFile(fd: number, path: string, attributes: EntryAttributes): void {
  const { mode, mtimeNs } = attributes
  chown(attributes, (uid, gid) => fchownSync(fd, uid, gid), path)
  if (mode !== undefined) fchmodSync(fd, mode)
  setXattrs(path, attributes, 'file')
  if (mtimeNs !== undefined) setFileTimes(fd, mtimeNs, mtimeNs)
}

/** Gives anything but an open file its attributes; a symlink itself is changed, and has no mode. */
export function applyToPath(path: string, attributes: EntryAttributes, kind: EntryKind): void {
  const { mode, mtimeNs } = attributes
  chown(attributes, (uid, gid) => lchownSync(fsPath(path), uid, gid), path)
  if (mode !== undefined && kind !== 'symlink') chmodSync(fsPath(path), mode)
  setXattrs(path, attributes, kind)
  if (mtimeNs !== undefined) setTimes(path, mtimeNs, mtimeNs)
}

function chown(
  { uid, gid }: EntryAttributes,
  change: (uid: number, gid: number) => void,
  path: string,
): void {
  if (uid === undefined && gid === undefined) return
  try {
    change(uid ?? -1, gid ?? -1)
  } catch (error) {
    throw chownError(error, path, uid, gid)
  }
}

/** The failure of `chown` with the ids, and what to do where a user namespace has none of them. */
export function chownError(cause: unknown, path: string, uid?: number, gid?: number): unknown {
  if (errnoOf(cause) !== 'EINVAL') return cause
  return new SlipwayError(
    'failed-precondition',
    `failed to Lchown "${path}" for UID ${uid}, GID ${gid}: invalid argument`,
    {
      cause,
      hint: 'try increasing the number of subordinate IDs in /etc/subuid and /etc/subgid',
    },
  )
}

/** Sets attributes; those that the kind of file or the file system cannot have are left out, as containerd does. */
export function setXattrs(path: string, { xattrs }: EntryAttributes, kind: EntryKind): void {
  if (xattrs === undefined) return
  for (const [name, value] of xattrs) {
    if (name.startsWith('trusted.') || isOverlayName(name)) continue
    try {
      setXattr(path, name, value)
    } catch (error) {
      const code = errnoOf(error)
      const plain = kind === 'file' || kind === 'directory'
      const refused =
        code === 'EPERM' && (!name.startsWith('user.') ? name !== 'security.capability' : !plain)
      if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && !refused) throw error
    }
  }
}

function missing(path: string): never {
  throw new SlipwayError('internal', `${path} went away`)
}
