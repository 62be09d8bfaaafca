import { tarError } from './tar-error.ts'

/**
 * A number of a header field: octal digits between spaces and NULs (an empty field is 0), or base 256, big-endian and
 * two's complement, where the first bit is set. Throws `data-loss` for anything else and beyond 2^53.
 */
export function parseNumber(block: Buffer, start: number, length: number): number {
  const first = block[start] as number
  if ((first & 0x80) !== 0) return parseBase256(block, start, length)
  let at = start
  const end = start + length
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++
  let value = 0
  for (; at < end; at++) {
    const digit = (block[at] as number) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  for (; at < end && block[at] !== 0; at++) if (block[at] !== 0x20) throw tarError('invalid tar header')
  return safe(value)
}

function parseBase256(block: Buffer, start: number, length: number): number {
  const negative = ((block[start] as number) & 0x40) !== 0
  let value = 0n
  for (let i = 0; i < length; i++) {
    const byte = block[start + i] as number
    value = (value << 8n) | BigInt(i === 0 ? byte & (negative ? 0xff : 0x7f) : byte)
  }
  if (negative) value -= 1n << BigInt(length * 8)
  return safe(Number(value))
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw tarError('number out of range')
  return value
}

/** Tells whether `value` fits into the octal digits of a field that ends with NUL. */
export function fitsOctal(value: number, length: number): boolean {
  return value >= 0 && value < 8 ** (length - 1)
}

/** Writes `value` as zero-padded octal digits and a NUL; a value that does not fit is written as 0 (its PAX record counts). */
export function writeOctal(block: Buffer, value: number, start: number, length: number): void {
  const digits = (fitsOctal(value, length) ? value : 0).toString(8).padStart(length - 1, '0')
  block.write(digits, start, length - 1, 'latin1')
  block[start + length - 1] = 0
}
