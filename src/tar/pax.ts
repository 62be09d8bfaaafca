import { encodeName } from '../bytes/path-string.ts'
import { tarError } from './tar-error.ts'

/** Records of an extended header in their order; values are bytes. Keys may repeat (GNU sparse 0.0 does). */
export type PaxRecord = readonly [key: string, value: Buffer]

/** Keys whose values must not hold a NUL. */
const textKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname'])

/**
 * Parses `<length> <key>=<value>\n` records; the length counts the whole record. Values are cut from `bytes`, not
 * copied. Throws `data-loss`. Source: POSIX pax, "pax Extended Header".
 */
export function parsePax(bytes: Buffer): PaxRecord[] {
  const records: PaxRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 || space - at > 20 ? '' : bytes.toString('latin1', at, space)
    const length = /^\+?[0-9]+$/.test(digits) ? Number(digits) : 0
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    const broken = length < 5 || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end
    if (broken) throw tarError('invalid tar header')
    const key = bytes.toString('utf8', space + 1, equals)
    const value = bytes.subarray(equals + 1, end - 1)
    if (key === '' || (textKeys.has(key) && value.includes(0))) throw tarError('invalid tar header')
    records.push([key, value])
    at = end
  }
  return records
}

/** One record; the length counts its own digits. */
export function formatPaxRecord(key: string, value: string | Uint8Array): Buffer {
  const name = encodeName(key)
  const bytes = typeof value === 'string' ? encodeName(value) : value
  const rest = name.length + bytes.length + 3
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} `), name, Buffer.from('='), bytes, Buffer.from('\n')])
}

const time = /^([+-]?)([0-9]*)(?:\.([0-9]*))?$/

/** A PAX time (decimal seconds, any fraction, nanoseconds kept) as nanoseconds. Throws `data-loss`. */
export function parsePaxTime(text: string): bigint {
  const match = time.exec(text)
  const [, sign = '', whole = '', fraction = ''] = match ?? []
  if (match === null || whole === '' || whole.length > 18) throw tarError('invalid tar header')
  const ns = BigInt(whole) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -ns : ns
}

/** Nanoseconds as a PAX time without trailing zeros. */
export function formatPaxTime(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  return `${ns < 0n ? '-' : ''}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}

/** A PAX number (decimal). Throws `data-loss`. */
export function parsePaxNumber(text: string): number {
  const value = /^[+-]?[0-9]{1,18}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw tarError('invalid tar header')
  return value
}
