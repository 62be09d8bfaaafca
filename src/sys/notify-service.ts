import { closeSync } from 'node:fs'
import { endianness } from 'node:os'
import { libc } from './libc.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000

/**
 * Tells a service manager how this process is (`READY=1`, `STOPPING=1`), by a datagram to the socket that it names in
 * NOTIFY_SOCKET. True where it was sent; a manager that does not listen is no reason to fail.
 * https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 */
export function notifyService(socket: string, state: string): boolean {
  const address = socketAddress(socket)
  if (address === undefined) return false
  try {
    const c = libc()
    const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    if (fd < 0) return false
    try {
      const message = Buffer.from(state)
      return c.sendto(fd, message, message.length, MSG_NOSIGNAL, address, address.length) === message.length
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}

/** A `sockaddr_un`: `/path`, or `@name` for an abstract one. */
function socketAddress(socket: string): Buffer | undefined {
  const name = Buffer.from(socket.startsWith('@') ? `\0${socket.slice(1)}` : `${socket}\0`)
  if (!/^[/@]/.test(socket) || name.length > 108) return undefined
  const family = Buffer.alloc(2)
  if (endianness() === 'LE') family.writeUInt16LE(AF_UNIX)
  else family.writeUInt16BE(AF_UNIX)
  return Buffer.concat([family, name])
}
