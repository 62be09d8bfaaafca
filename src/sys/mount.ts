import { errnoError } from './errno-error.ts'
import { cString, libc } from './libc.ts'

/** Flags of `mount`. Source: linux/include/uapi/linux/mount.h. */
export const mountFlag = {
  readonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  bind: 4096,
  rec: 16384,
  private: 1 << 18,
  slave: 1 << 19,
} as const

const MNT_DETACH = 2

/** Mounts; `flags` are a sum of `mountFlag`, `data` the file system's own options. */
export function mount(source: string, target: string, type: string, flags: number, data = ''): void {
  const c = libc()
  if (c.mount(cString(source), cString(target), cString(type), flags, cString(data)) < 0) {
    throw errnoError(c.errno(), 'mount', target)
  }
}

/** Unmounts; `detach` takes a busy mount out of the tree and ends it with its last user. */
export function unmount(target: string, options: { readonly detach?: boolean } = {}): void {
  const c = libc()
  if (c.umount2(cString(target), options.detach ? MNT_DETACH : 0) < 0)
    throw errnoError(c.errno(), 'umount2', target)
}
