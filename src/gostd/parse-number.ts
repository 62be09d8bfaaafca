import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from './quote.ts'

/** What `strconv` says about a text it cannot read: `strconv.ParseInt: parsing "x": invalid syntax`. */
export function numError(func: string, text: string, problem = 'invalid syntax'): SlipwayError {
  return new SlipwayError('invalid-argument', `strconv.${func}: parsing ${quote(text)}: ${problem}`)
}

/** `strconv.ParseBool`: 1 t T true TRUE True, and the same for false. Throws `invalid-argument`. */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw numError('ParseBool', text)
}

/** As `parseBool`, undefined instead of an error. */
export function tryParseBool(text: string): boolean | undefined {
  try {
    return parseBool(text)
  } catch {
    return undefined
  }
}

/** Bounds of `parseInt64`; the defaults are those of an int64. */
export interface IntOptions {
  /** 10, or 0 for Go's prefixes (`0x`, `0o`, `0b`, leading 0) and underscores. @default 0 */
  readonly base?: 0 | 10
  readonly min?: bigint
  readonly max?: bigint
  /** The function name in the message. @default ParseInt */
  readonly func?: string
}

/** `strconv.ParseInt(text, base, 64)` as a bigint. Throws `invalid-argument` with Go's words. */
export function parseInt64(text: string, options: IntOptions = {}): bigint {
  const { base = 0, min = -(2n ** 63n), max = 2n ** 63n - 1n, func = 'ParseInt' } = options
  const negative = text.startsWith('-')
  const digits = /^[+-]/.test(text) && min < 0n ? text.slice(1) : text
  const value = magnitude(digits, base)
  if (value === undefined) throw numError(func, text)
  const signed = negative ? -value : value
  if (signed < min || signed > max) throw numError(func, text, 'value out of range')
  return signed
}

/** `parseInt64` for values that must be exact JavaScript numbers; beyond 2^53 is `value out of range`. */
export function parseInteger(text: string, options: IntOptions = {}): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER)
  return Number(parseInt64(text, { min: -limit, max: limit, ...options }))
}

function magnitude(digits: string, base: 0 | 10): bigint | undefined {
  if (base === 10) return /^[0-9]+$/.test(digits) ? BigInt(digits) : undefined
  const prefixed = /^0([xX][0-9a-fA-F_]+|[bB][01_]+|[oO]?[0-7_]+)$/.exec(digits)
  if (digits.includes('_') && !/^(0[xXbBoO]_?)?[0-9a-fA-F]+(_[0-9a-fA-F]+)*$/.test(digits)) return undefined
  const plain = digits.replaceAll('_', '')
  if (prefixed !== null) {
    const body = plain.slice(1)
    if (/^[xXbBoO]$/.test(body)) return undefined
    return BigInt(/^[xXbBoO]/.test(body) ? plain.toLowerCase() : `0o${body}`)
  }
  return /^(0|[1-9][0-9]*)$/.test(plain) ? BigInt(plain) : undefined
}

const hexFloat = /^([+-]?)0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP]([+-]?[0-9]+)$/

/** `strconv.ParseFloat` (decimal and hexadecimal texts, underscores between digits, inf, nan). Throws `invalid-argument`. */
export function parseFloat64(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return Number.NaN
  const between = /^[+-]?0[xX]/.test(text)
    ? /(?<=^[+-]?0[xX])_|(?<=[0-9a-fA-F])_(?=[0-9a-fA-F])/g
    : /(?<=[0-9])_(?=[0-9])/g
  const plain = text.replace(between, '')
  const hex = hexFloat.exec(plain)
  if (hex === null && !/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(plain))
    throw numError('ParseFloat', text)
  const value = hex === null ? Number(plain) : hexValue(hex[1] ?? '', hex[2] ?? '', Number(hex[3]))
  if (!Number.isFinite(value)) throw numError('ParseFloat', text, 'value out of range')
  return value
}

/** Exact for mantissas of up to 53 bits. */
function hexValue(sign: string, mantissa: string, exponent: number): number {
  const [whole = '', fraction = ''] = mantissa.split('.')
  const size = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (exponent - fraction.length * 4)
  return sign === '-' ? -size : size
}
