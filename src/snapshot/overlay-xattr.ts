import { errnoOf } from '../sys/errno-error.ts'
import { getXattr, getXattrs, listXattrs, setXattr } from '../sys/xattr.ts'

/**
 * Overlayfs keeps its marks in `trusted.overlay.*`, or in `user.overlay.*` where it is mounted with `userxattr`, as in
 * user namespaces. Source: linux/Documentation/filesystems/overlayfs.rst.
 */
export type OverlayPrefix = 'trusted.overlay.' | 'user.overlay.'

const y = Buffer.from('y')

/** Tells whether the directory at `path` hides what lower layers have in it. */
export function isOpaque(path: string): boolean {
  const value = getXattr(path, 'trusted.overlay.opaque') ?? getXattr(path, 'user.overlay.opaque')
  return value !== undefined && value.length === 1 && value[0] === 0x79
}

/**
 * Makes the directory at `path` hide what lower layers have in it. Where `trusted.` attributes are refused (the state
 * directory lies on an overlay, or the process is not fully root) the other form is taken: nothing is mounted there.
 */
export function setOpaque(path: string, prefix: OverlayPrefix): void {
  try {
    setXattr(path, `${prefix}opaque`, y)
  } catch (error) {
    const code = errnoOf(error)
    if (prefix === 'user.overlay.' || (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP'))
      throw error
    setXattr(path, 'user.overlay.opaque', y)
  }
}

/** Names that belong to overlayfs, and to no file. */
export function isOverlayName(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')
}

/** Extended attributes of `path` without those of overlayfs. */
export function plainXattrs(path: string): Map<string, Uint8Array> {
  const all = getXattrs(path)
  for (const name of all.keys()) if (isOverlayName(name)) all.delete(name)
  return all
}

/** Copies the extended attributes of one path to another; those that the kernel keeps for itself stay behind. */
export function copyXattrs(from: string, to: string): void {
  for (const name of listXattrs(from)) {
    if (isOverlayName(name) || name.startsWith('trusted.')) continue
    const value = getXattr(from, name)
    if (value !== undefined) setXattr(to, name, value)
  }
}
