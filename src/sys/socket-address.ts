import { isIPv6 } from 'node:net'
import { endianness } from 'node:os'

const AF_INET = 2
const AF_INET6 = 10

/** The `sockaddr_in` or `sockaddr_in6` of an IP address, as the C library wants it. */
export function socketAddress(address: string, port: number): Buffer {
  const v6 = isIPv6(address)
  const out = Buffer.alloc(v6 ? 28 : 16)
  const family = v6 ? AF_INET6 : AF_INET
  if (endianness() === 'LE') out.writeUInt16LE(family)
  else out.writeUInt16BE(family)
  out.writeUInt16BE(port, 2)
  if (v6) out.set(ipv6Bytes(address), 8)
  else out.set(address.split('.').map(Number), 4)
  return out
}

/** The 16 bytes of an IPv6 address; a zone behind `%` is left out. */
export function ipv6Bytes(text: string): Buffer {
  const [address = ''] = text.split('%', 1)
  const [head = '', tail] = address.split('::', 2)
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0)
  const out = Buffer.alloc(16)
  for (const [i, group] of [...left, ...zeros, ...right].entries()) out.writeUInt16BE(group, 2 * i)
  return out
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(part => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
