import { closeSync, openSync, readlinkSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { endianness } from 'node:os'
import { errnoError } from './errno-error.ts'
import type { JobTable } from './serve-jobs.ts'
import { libc } from './libc.ts'
import { socketAddress } from './socket-address.ts'

/** A place in a network namespace. */
export interface NetworkPlace {
  /** Path of the namespace: `/proc/123/ns/net`. */
  readonly namespace: string
  /** An IP address. */
  readonly address: string
  readonly port: number
}

/** What a thread does in a network namespace. Sockets are descriptors of the process, whoever made them. */
export type NetworkJobs = {
  /** Makes a namespace that ends with the thread; answers its path. */
  readonly create: { readonly input: undefined; readonly output: string }
  /** A socket with this address, to be listened on. The loopback interface is up afterwards. */
  readonly bind: { readonly input: NetworkPlace; readonly output: number }
  /** A socket that has begun to connect; whoever reads or writes learns how that ends. */
  readonly connect: { readonly input: NetworkPlace; readonly output: number }
}

// Source: linux/include/uapi/linux (sched.h, sockios.h, if.h) and asm-generic.
const CLONE_NEWNET = 0x4000_0000
const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SIOCGIFFLAGS = 0x8913
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1
const EINPROGRESS = 115

/** Jobs of a thread that enters the namespace of its first job and never leaves it. */
export function networkJobs(): JobTable<NetworkJobs> {
  let here: string | undefined
  const enter = (namespace: string): void => {
    if (here !== namespace) enterNamespace(namespace)
    here = namespace
  }
  return {
    create: async () => () => {
      if (libc().unshare(CLONE_NEWNET) < 0) throw errnoError(libc().errno(), 'unshare')
      raiseLoopback()
      here = `/proc/${readlinkSync('/proc/thread-self')}/ns/net`
      return here
    },
    bind: async () => place => {
      enter(place.namespace)
      raiseLoopback()
      return socketFor(place, (fd, address) => libc().bind(fd, address, address.length) === 0, 'bind')
    },
    connect: async () => place => {
      enter(place.namespace)
      const c = libc()
      const begin = (fd: number, address: Buffer): boolean =>
        c.connect(fd, address, address.length) === 0 || c.errno() === EINPROGRESS
      return socketFor(place, begin, 'connect')
    },
  }
}

function enterNamespace(path: string): void {
  const fd = openSync(path, 'r')
  try {
    if (libc().setns(fd, CLONE_NEWNET) < 0) throw errnoError(libc().errno(), 'setns', path)
  } finally {
    closeSync(fd)
  }
}

function socketFor(
  { address, port }: NetworkPlace,
  use: (fd: number, address: Buffer) => boolean,
  call: string,
): number {
  const c = libc()
  const family = isIPv6(address) ? AF_INET6 : AF_INET
  const fd = c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw errnoError(c.errno(), 'socket')
  if (use(fd, socketAddress(address, port))) return fd
  const error = errnoError(c.errno(), call, `${address}:${port}`)
  closeSync(fd)
  throw error
}

/** Interfaces are down in a new namespace. */
function raiseLoopback(): void {
  const c = libc()
  const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw errnoError(c.errno(), 'socket')
  try {
    const request = Buffer.alloc(40)
    request.write('lo')
    if (c.ioctl(fd, SIOCGIFFLAGS, request) < 0) throw errnoError(c.errno(), 'ioctl')
    // The flags are a short in the order of the machine.
    request[endianness() === 'LE' ? 16 : 17]! |= IFF_UP
    if (c.ioctl(fd, SIOCSIFFLAGS, request) < 0) throw errnoError(c.errno(), 'ioctl')
  } finally {
    closeSync(fd)
  }
}
