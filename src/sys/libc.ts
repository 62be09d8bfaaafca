import { createRequire } from 'node:module'
import { arch } from 'node:process'
import type koffi from 'koffi'
import { encodeName } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'

/** A NUL-terminated string, or raw memory that the call reads or fills. */
type Memory = Uint8Array | null

/** The functions of the C library that Node has no equal of. Each returns -1 and sets `errno()` on failure. */
export interface Libc {
  lgetxattr(path: Memory, name: Memory, value: Memory, size: number): number
  lsetxattr(path: Memory, name: Memory, value: Memory, size: number, flags: number): number
  llistxattr(path: Memory, list: Memory, size: number): number
  lremovexattr(path: Memory, name: Memory): number
  utimensat(dirfd: number, path: Memory, times: Memory, flags: number): number
  futimens(fd: number, times: Memory): number
  flock(fd: number, operation: number): number
  socket(domain: number, type: number, protocol: number): number
  sendto(
    fd: number,
    message: Memory,
    size: number,
    flags: number,
    address: Memory,
    addressSize: number,
  ): number
  bind(fd: number, address: Memory, addressSize: number): number
  connect(fd: number, address: Memory, addressSize: number): number
  ioctl(fd: number, request: number, argument: Memory): number
  setns(fd: number, type: number): number
  unshare(flags: number): number
  mount(source: Memory, target: Memory, type: Memory, flags: number, data: Memory): number
  umount2(target: Memory, flags: number): number
  copy_file_range(
    from: number,
    fromOffset: Memory,
    to: number,
    toOffset: Memory,
    size: number,
    flags: number,
  ): number
  /** `mknodat` by number: glibc before 2.33 does not export it. */
  mknodat(dirfd: number, path: Memory, mode: number, device: number): number
  /** `openat2`, which no C library wraps. */
  openat2(dirfd: number, path: Memory, how: Memory, size: number): number
  /** Error number of the last failed call of this thread. */
  errno(): number
}

const mknodatNumber: Readonly<Record<string, number>> = {
  x64: 259,
  arm64: 33,
  ia32: 297,
  arm: 324,
  riscv64: 33,
  loong64: 33,
  ppc64: 288,
  s390x: 290,
}
const openat2Number = 437

/** Loads the bindings on first use, once per thread. Throws `failed-precondition` where they are not installed. */
export const libc: () => Libc = once(bind)

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function bind(): Libc {
  const ffi = loadKoffi()
  const lib = ffi.load(null)
  const number = mknodatNumber[arch]
  if (number === undefined) throw new SlipwayError('unimplemented', `no system call table for ${arch}`)
  const syscall4 = lib.func(
    'long syscall(long number, int a, const void *b, unsigned long c, unsigned long d)',
  )
  const syscallHow = lib.func(
    'long syscall(long number, int a, const void *b, const void *c, unsigned long d)',
  )
  return {
    lgetxattr: lib.func('long lgetxattr(const void *path, const void *name, void *value, size_t size)'),
    lsetxattr: lib.func(
      'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
    ),
    llistxattr: lib.func('long llistxattr(const void *path, void *list, size_t size)'),
    lremovexattr: lib.func('int lremovexattr(const void *path, const void *name)'),
    utimensat: lib.func('int utimensat(int dirfd, const void *path, const void *times, int flags)'),
    futimens: lib.func('int futimens(int fd, const void *times)'),
    flock: lib.func('int flock(int fd, int operation)'),
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    sendto: lib.func(
      'long sendto(int fd, const void *message, size_t size, int flags, const void *address, uint32_t addressSize)',
    ),
    bind: lib.func('int bind(int fd, const void *address, uint32_t addressSize)'),
    connect: lib.func('int connect(int fd, const void *address, uint32_t addressSize)'),
    ioctl: lib.func('int ioctl(int fd, unsigned long request, void *argument)'),
    setns: lib.func('int setns(int fd, int type)'),
    unshare: lib.func('int unshare(int flags)'),
    mount: lib.func(
      'int mount(const void *source, const void *target, const void *type, unsigned long flags, const void *data)',
    ),
    umount2: lib.func('int umount2(const void *target, int flags)'),
    copy_file_range: lib.func(
      'long copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t size, unsigned int flags)',
    ),
    mknodat: (dirfd, path, mode, device) => Number(syscall4(number, dirfd, path, mode, device)),
    openat2: (dirfd, path, how, size) => Number(syscallHow(openat2Number, dirfd, path, how, size)),
    errno: () => ffi.errno(),
  }
}

function loadKoffi(): typeof koffi {
  try {
    return createRequire(import.meta.url)('koffi') as typeof koffi
  } catch (cause) {
    throw new SlipwayError(
      'failed-precondition',
      'the system call bindings (npm package koffi) are not installed',
      {
        cause,
        hint: 'install Slipway with its optional dependencies (npm install without --omit=optional), or use a remote builder',
      },
    )
  }
}

/** Bytes of a path string (or of any text) with the closing NUL that C wants. */
export function cString(text: string): Buffer {
  const bytes = encodeName(text)
  const out = Buffer.allocUnsafe(bytes.length + 1)
  out.set(bytes)
  out[bytes.length] = 0
  return out
}
