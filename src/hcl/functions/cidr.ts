import { FunctionError, valueFunction } from '../function.ts'
import { listType, stringType } from '../value/type.ts'
import { listValue, stringValue, type Value } from '../value/value.ts'
import {
  blame,
  define,
  type FunctionTable,
  integerArgument,
  number,
  text,
  textArgument,
  wholeArgument,
} from './arguments.ts'

/** An IP network; the address has only its prefix bits set. */
interface Network {
  readonly address: bigint
  readonly prefix: number
  readonly bits: 32 | 128
}

function parseNetwork(given: string): Network {
  const bad = new FunctionError(`invalid CIDR expression: invalid CIDR address: ${given}`)
  const [ip = '', length = '', more] = given.split('/')
  const parsed = more === undefined && /^(?:0|[1-9][0-9]{0,2})$/.test(length) ? parseAddress(ip) : undefined
  if (parsed === undefined || Number(length) > parsed.bits) throw bad
  const prefix = Number(length)
  const host = BigInt(parsed.bits - prefix)
  return { address: (parsed.address >> host) << host, prefix, bits: parsed.bits }
}

function parseAddress(ip: string): { address: bigint; bits: 32 | 128 } | undefined {
  const v4 = parseIpv4(ip)
  if (v4 !== undefined) return { address: v4, bits: 32 }
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(ip)
  const tail = embedded === null ? undefined : parseIpv4(embedded[2] as string)
  if (embedded !== null && tail === undefined) return undefined
  const text =
    tail === undefined ? ip : `${embedded?.[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map(half => (half === '' ? [] : half.split(':')))
  if (groups.flat().some(g => !/^[0-9a-fA-F]{1,4}$/.test(g))) return undefined
  const [left = [], right] = groups
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) return undefined
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...(right ?? [])]
  const address = all.reduce((n, g) => (n << 16n) | BigInt(`0x${g}`), 0n)
  return { address, bits: 128 }
}

function parseIpv4(ip: string): bigint | undefined {
  const parts = ip.split('.')
  if (parts.length !== 4 || parts.some(p => !/^(?:0|[1-9][0-9]{0,2})$/.test(p) || Number(p) > 255))
    return undefined
  return parts.reduce((n, p) => (n << 8n) | BigInt(p), 0n)
}

/** The address as Go's `net.IP` prints it: IPv6 shortened, IPv4-mapped as IPv4. */
function addressText(address: bigint, bits: 32 | 128): string {
  if (bits === 32 || address >> 32n === 0xffffn) {
    return [24n, 16n, 8n, 0n].map(shift => ((address >> shift) & 255n).toString()).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((address >> BigInt(112 - i * 16)) & 0xffffn).toString(16),
  )
  let best = { start: 0, length: 1 }
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (groups[i + n] === '0') n++
    if (n > best.length) best = { start: i, length: n }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}

const networkText = (n: Network): string => `${addressText(n.address, n.bits)}/${n.prefix}`

const cidrhost = define([text('prefix'), number('hostnum')], stringType, ([prefix, host]) => {
  const wanted = wholeArgument(host)
  const network = parseNetwork(textArgument(prefix))
  const max = (1n << BigInt(network.bits - network.prefix)) - 1n
  const offset = wanted < 0n ? max + 1n + wanted : wanted
  if ((wanted < 0n ? -wanted - 1n : wanted) > max) {
    throw new FunctionError(`prefix of ${network.prefix} does not accommodate a host numbered ${wanted}`)
  }
  return stringValue(addressText(network.address | offset, network.bits))
})

const cidrnetmask = define([text('prefix')], stringType, ([prefix]) => {
  const { prefix: length, bits } = parseNetwork(textArgument(prefix))
  const host = BigInt(bits - length)
  return stringValue(addressText((((1n << BigInt(bits)) - 1n) >> host) << host, bits))
})

const cidrsubnet = define(
  [text('prefix'), number('newbits'), number('netnum')],
  stringType,
  ([prefix, extra, count]) => {
    const newBits = integerArgument(extra)
    const netNumber = wholeArgument(count)
    const { address, prefix: length, bits } = parseNetwork(textArgument(prefix))
    if (newBits > 32) throw new FunctionError('may not extend prefix by more than 32 bits')
    if (length + newBits > bits)
      throw new FunctionError(`insufficient address space to extend prefix of ${length} by ${newBits}`)
    if (newBits < 0 || netNumber < 0n || netNumber >= 1n << BigInt(newBits)) {
      throw new FunctionError(
        `prefix extension of ${newBits} does not accommodate a subnet numbered ${netNumber}`,
      )
    }
    const shifted = netNumber << BigInt(bits - length - newBits)
    return stringValue(networkText({ address: address | shifted, prefix: length + newBits, bits }))
  },
)

const cidrsubnets = valueFunction({
  parameters: [text('prefix')],
  variadic: number('newbits'),
  returns: listType(stringType),
  call: ([prefix, ...extensions]) => {
    const network = blame(0, '', () => parseNetwork(textArgument(prefix)))
    let next = network.address
    let last: Network | undefined
    const subnets = extensions.map((v, i): Value => {
      last = subnetAfter(network, next, last, v, i + 1)
      next = last.address + (1n << BigInt(last.bits - last.prefix))
      return stringValue(networkText(last))
    })
    return listValue(subnets, stringType)
  },
})

function subnetAfter(
  network: Network,
  from: bigint,
  last: Network | undefined,
  v: Value,
  argument: number,
): Network {
  const extra = blame(argument, '', () => integerArgument(v))
  if (extra < 1) throw new FunctionError('must extend prefix by at least one bit', argument)
  if (extra > 32) throw new FunctionError('may not extend prefix by more than 32 bits', argument)
  const prefix = network.prefix + extra
  if (prefix > network.bits) {
    const family = network.bits === 32 ? 'IPv4' : 'IPv6'
    throw new FunctionError(
      `would extend prefix to ${prefix} bits, which is too long for an ${family} address`,
      argument,
    )
  }
  const size = 1n << BigInt(network.bits - prefix)
  const address = ((from + size - 1n) / size) * size
  const end = network.address + (1n << BigInt(network.bits - network.prefix))
  // The original begins behind the network before the first one, which at address 0 is the last one there is.
  const wraps = last === undefined && network.address === 0n
  if (wraps || address + size > end) {
    const before = wraps ? { ...network, address: (1n << BigInt(network.bits)) - size, prefix } : network
    const after = networkText(last ?? before)
    throw new FunctionError(
      `not enough remaining address space for a subnet with a prefix of ${prefix} bits after ${after}`,
      argument,
    )
  }
  return { address, prefix, bits: network.bits }
}

/** IP networks. */
export const cidrFunctions: FunctionTable = { cidrhost, cidrnetmask, cidrsubnet, cidrsubnets }
