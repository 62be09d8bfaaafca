import { compareNames, decodeName } from '../bytes/path-string.ts'
import { errnoError } from './errno-error.ts'
import { cString, libc } from './libc.ts'

// Numbers are the same on every architecture that Node runs on, see linux/include/uapi/asm-generic/errno.h.
const ENODATA = 61
const ENOTSUP = 95
/** Largest value and longest name list that the kernel allows (limits.h XATTR_SIZE_MAX, XATTR_LIST_MAX). */
const largest = 65536

const value = Buffer.allocUnsafeSlow(largest)

/** Value of an extended attribute; undefined where there is none or the file system has none. Symlinks are not followed. */
export function getXattr(path: string, name: string): Buffer | undefined {
  const c = libc()
  const size = c.lgetxattr(cString(path), cString(name), value, largest)
  if (size >= 0) return Buffer.from(value.subarray(0, size))
  const errno = c.errno()
  if (errno === ENODATA || errno === ENOTSUP) return undefined
  throw errnoError(errno, 'lgetxattr', path)
}

/** Names of the extended attributes in the order of their bytes; none where the file system has none. */
export function listXattrs(path: string): string[] {
  const c = libc()
  const size = c.llistxattr(cString(path), value, largest)
  if (size < 0) {
    const errno = c.errno()
    if (errno === ENOTSUP) return []
    throw errnoError(errno, 'llistxattr', path)
  }
  if (size === 0) return []
  const names: string[] = []
  for (let at = 0; at < size; ) {
    const end = value.indexOf(0, at)
    names.push(decodeName(value.subarray(at, end)))
    at = end + 1
  }
  return names.sort(compareNames)
}

/** All extended attributes, sorted by name. */
export function getXattrs(path: string): Map<string, Buffer> {
  const all = new Map<string, Buffer>()
  for (const name of listXattrs(path)) {
    const bytes = getXattr(path, name)
    if (bytes !== undefined) all.set(name, bytes)
  }
  return all
}

/** Sets an extended attribute. Throws a system error; `ENOTSUP` where the file system or the kind of file has none. */
export function setXattr(path: string, name: string, bytes: Uint8Array): void {
  const c = libc()
  if (c.lsetxattr(cString(path), cString(name), bytes.length === 0 ? null : bytes, bytes.length, 0) < 0) {
    throw errnoError(c.errno(), 'lsetxattr', path)
  }
}

/** Removes an extended attribute; one that is not there is no error. */
export function removeXattr(path: string, name: string): void {
  const c = libc()
  if (c.lremovexattr(cString(path), cString(name)) < 0) {
    const errno = c.errno()
    if (errno !== ENODATA) throw errnoError(errno, 'lremovexattr', path)
  }
}
