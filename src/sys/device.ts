import { constants } from 'node:fs'
import { errnoError } from './errno-error.ts'
import { cString, libc } from './libc.ts'

const AT_FDCWD = -100

/** File type bits that `mknod` makes. */
export const nodeType = {
  fifo: constants.S_IFIFO,
  char: constants.S_IFCHR,
  block: constants.S_IFBLK,
  socket: constants.S_IFSOCK,
} as const

/** Creates a device, fifo or socket. `mode` are permission bits; the process's umask applies. */
export function mknod(path: string, kind: keyof typeof nodeType, mode: number, major = 0, minor = 0): void {
  const c = libc()
  if (c.mknodat(AT_FDCWD, cString(path), nodeType[kind] | mode, makeDevice(major, minor)) < 0) {
    throw errnoError(c.errno(), 'mknod', path)
  }
}

/** The kernel's number of a device: 12 bits of major, 20 bits of minor. Source: linux/include/linux/kdev_t.h, new_encode_dev. */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0
}

/** Major and minor of a device number as `stat` reports it (glibc's wide form). */
export function splitDevice(device: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn)),
  }
}
