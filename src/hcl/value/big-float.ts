/**
 * A binary floating-point number of a given precision with Go's `math/big.Float` semantics, rounding to nearest even:
 * `(-1)^negative * mantissa * 2^exponent`. Immutable.
 */
export interface BigFloat {
  readonly form: 'zero' | 'finite' | 'infinite'
  readonly negative: boolean
  /** Odd and positive when finite, else 0. */
  readonly mantissa: bigint
  readonly exponent: number
  /** Bits of mantissa that results computed from this number keep. */
  readonly precision: number
}

/** The precision that number literals and numbers converted from strings have. */
export const literalPrecision = 512

/** Raised by an operation whose result is no number (0/0, ∞-∞, 0·∞). */
export class NotANumberError extends Error {}

/** Decimal exponents beyond this are refused, so that no short text makes a gigabyte of digits. */
const maxDecimalExponent = 20_000

/** The number of significant bits of `n` (0 for 0). */
export function bitLength(n: bigint): number {
  if (n === 0n) return 0
  const hex = n.toString(16)
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0] as string, 16)))
}

/** Zero of the given sign. */
export function zeroFloat(precision: number, negative = false): BigFloat {
  return { form: 'zero', negative, mantissa: 0n, exponent: 0, precision }
}

/** Infinity of the given sign. */
export function infinity(negative: boolean, precision = 53): BigFloat {
  return { form: 'infinite', negative, mantissa: 0n, exponent: 0, precision }
}

/** `mantissa * 2^exponent` rounded to `precision` bits; `sticky` says that the true value lies a little above. */
export function makeFloat(
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  precision: number,
  sticky = false,
): BigFloat {
  if (mantissa === 0n) return zeroFloat(precision, negative)
  const excess = bitLength(mantissa) - precision
  if (excess > 0) {
    const shift = BigInt(excess)
    const rest = mantissa & ((1n << shift) - 1n)
    const half = 1n << (shift - 1n)
    mantissa >>= shift
    exponent += excess
    if (rest > half || (rest === half && (sticky || (mantissa & 1n) === 1n))) mantissa += 1n
  }
  if (Math.abs(exponent) > 0x7fffffff)
    return exponent > 0 ? infinity(negative, precision) : zeroFloat(precision, negative)
  let zeros = 0
  while ((mantissa & 0xffffffffn) === 0n) {
    mantissa >>= 32n
    zeros += 32
  }
  while ((mantissa & 1n) === 0n) {
    mantissa >>= 1n
    zeros++
  }
  return { form: 'finite', negative, mantissa, exponent: exponent + zeros, precision }
}

/** An integer at the precision Go gives it: at least 64 bits, more when it needs more. */
export function floatFromInteger(n: bigint | number): BigFloat {
  const big = BigInt(n)
  const size = big < 0n ? -big : big
  return makeFloat(big < 0n, size, 0, Math.max(64, bitLength(size)))
}

/** A JavaScript number at 53 bits; throws `NotANumberError` for NaN. */
export function floatFromNumber(n: number): BigFloat {
  if (Number.isNaN(n)) throw new NotANumberError('NaN')
  if (!Number.isFinite(n)) return infinity(n < 0)
  if (n === 0) return zeroFloat(53, Object.is(n, -0))
  let exponent = 0
  let size = Math.abs(n)
  while (!Number.isInteger(size)) {
    size *= 2
    exponent--
  }
  return makeFloat(n < 0, BigInt(size), exponent, 53)
}

const decimal = /^([+-]?)(?:([0-9]*)(?:\.([0-9]*))?(?:([eEpP])([+-]?[0-9]+))?|([iI]nf))$/

/** A decimal text as a number of 512 bits; `undefined` when it is none, or beyond what Slipway computes with. */
export function parseFloatText(text: string): BigFloat | undefined {
  const match = text.length > 1_000_000 ? null : decimal.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', marker, exponentText, inf] = match
  const negative = sign === '-'
  if (inf !== undefined) return infinity(negative, literalPrecision)
  const digits = whole + fraction
  if (digits === '') return undefined
  const given = exponentText === undefined ? 0 : Number(exponentText)
  const binary = marker === 'p' || marker === 'P' ? given : 0
  const exponent =
    (binary === 0 && marker !== undefined && marker.toLowerCase() === 'e' ? given : 0) - fraction.length
  const mantissa = BigInt(digits)
  if (mantissa === 0n) return zeroFloat(literalPrecision, negative)
  if (Math.abs(exponent) > maxDecimalExponent + digits.length || Math.abs(binary) > 4 * maxDecimalExponent)
    return undefined
  if (exponent >= 0) return makeFloat(negative, mantissa * 10n ** BigInt(exponent), binary, literalPrecision)
  return ratio(negative, mantissa, 10n ** BigInt(-exponent), binary, literalPrecision)
}

function ratio(
  negative: boolean,
  over: bigint,
  under: bigint,
  exponent: number,
  precision: number,
): BigFloat {
  const shift = Math.max(0, precision + 2 - (bitLength(over) - bitLength(under)))
  const scaled = over << BigInt(shift)
  const quotient = scaled / under
  return makeFloat(negative, quotient, exponent - shift, precision, quotient * under !== scaled)
}

/** `a + b` at the larger of the two precisions. */
export function addFloats(a: BigFloat, b: BigFloat): BigFloat {
  const precision = Math.max(a.precision, b.precision)
  if (a.form === 'infinite' || b.form === 'infinite') {
    if (a.form === b.form && a.negative !== b.negative) throw new NotANumberError('opposing infinities')
    return infinity(a.form === 'infinite' ? a.negative : b.negative, precision)
  }
  if (a.form === 'zero' && b.form === 'zero') return zeroFloat(precision, a.negative && b.negative)
  if (a.form === 'zero') return makeFloat(b.negative, b.mantissa, b.exponent, precision)
  if (b.form === 'zero') return makeFloat(a.negative, a.mantissa, a.exponent, precision)
  const distance = a.exponent + bitLength(a.mantissa) - b.exponent - bitLength(b.mantissa)
  if (Math.abs(distance) > 100_000) {
    const big = distance > 0 ? a : b
    return makeFloat(big.negative, big.mantissa, big.exponent, precision)
  }
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = signed(a, exponent) + signed(b, exponent)
  return makeFloat(sum < 0n, sum < 0n ? -sum : sum, exponent, precision)
}

function signed(x: BigFloat, exponent: number): bigint {
  const size = x.mantissa << BigInt(x.exponent - exponent)
  return x.negative ? -size : size
}

/** `-a`. */
export function negateFloat(a: BigFloat): BigFloat {
  return { ...a, negative: !a.negative }
}

/** `a * b` rounded to `precision` bits. */
export function multiplyFloats(
  a: BigFloat,
  b: BigFloat,
  precision = Math.max(a.precision, b.precision),
): BigFloat {
  const negative = a.negative !== b.negative
  if (a.form === 'infinite' || b.form === 'infinite') {
    if (a.form === 'zero' || b.form === 'zero') throw new NotANumberError('zero by infinity')
    return infinity(negative, precision)
  }
  return makeFloat(negative, a.mantissa * b.mantissa, a.exponent + b.exponent, precision)
}

/** `a / b` at the larger of the two precisions; a finite number by zero is infinity. */
export function divideFloats(a: BigFloat, b: BigFloat): BigFloat {
  const precision = Math.max(a.precision, b.precision)
  const negative = a.negative !== b.negative
  if (a.form === b.form && a.form !== 'finite')
    throw new NotANumberError('zero by zero or infinity by infinity')
  if (a.form === 'infinite' || b.form === 'zero') return infinity(negative, precision)
  if (a.form === 'zero' || b.form === 'infinite') return zeroFloat(precision, negative)
  return ratio(negative, a.mantissa, b.mantissa, a.exponent - b.exponent, precision)
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`; the zeros are equal. */
export function compareFloats(a: BigFloat, b: BigFloat): number {
  const order = rank(a) - rank(b)
  if (order !== 0 || a.form !== 'finite') return order
  const sign = a.negative ? -1 : 1
  const distance = a.exponent + bitLength(a.mantissa) - b.exponent - bitLength(b.mantissa)
  if (distance !== 0) return sign * distance
  const exponent = Math.min(a.exponent, b.exponent)
  const left = signed(a, exponent)
  const right = signed(b, exponent)
  return left < right ? -1 : left > right ? 1 : 0
}

function rank(x: BigFloat): number {
  if (x.form === 'zero') return 0
  return (x.form === 'infinite' ? 2 : 1) * (x.negative ? -1 : 1)
}

/** Tells whether the number has no fraction (infinity has one). */
export function isIntegral(x: BigFloat): boolean {
  return x.form === 'zero' || (x.form === 'finite' && x.exponent >= 0)
}

/** The number without its fraction, towards zero; `undefined` for infinity and integers past 100 000 bits. */
export function truncateFloat(x: BigFloat): bigint | undefined {
  if (x.form === 'zero') return 0n
  if (x.form === 'infinite' || x.exponent > 100_000) return undefined
  const size =
    x.exponent >= 0
      ? x.mantissa << BigInt(x.exponent)
      : -x.exponent > bitLength(x.mantissa)
        ? 0n
        : x.mantissa >> BigInt(-x.exponent)
  return x.negative ? -size : size
}

/** The nearest JavaScript number. */
export function floatToNumber(x: BigFloat): number {
  const sign = x.negative ? -1 : 1
  const zero = x.negative ? -0 : 0
  if (x.form === 'zero') return zero
  if (x.form === 'infinite') return sign * Number.POSITIVE_INFINITY
  const near = makeFloat(false, x.mantissa, x.exponent, 53)
  const top = near.exponent + bitLength(near.mantissa)
  if (top > 1024) return sign * Number.POSITIVE_INFINITY
  if (top < -1080) return zero
  const half = Math.trunc(near.exponent / 2)
  return sign * Number(near.mantissa) * 2 ** half * 2 ** (near.exponent - half)
}
