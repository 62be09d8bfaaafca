import { type BigFloat, bitLength } from './big-float.ts'

/** Decimal digits `0.d1d2d3… * 10^point`, without trailing zeros. */
interface Decimal {
  readonly digits: string
  readonly point: number
}

/** What `formatFloat` writes: `f` digits and a point, `e` with an exponent, `g` the shorter of them. */
export type FloatFormat = 'e' | 'E' | 'f' | 'g' | 'G'

/**
 * The number as Go's `big.Float.Text` writes it; `precision` counts digits after the point (`e`, `f`) or all digits
 * (`g`), and -1 asks for the fewest digits that still identify the number at its own precision.
 */
export function formatFloat(x: BigFloat, format: FloatFormat, precision: number): string {
  const sign = x.negative ? '-' : ''
  if (x.form === 'infinite') return `${sign === '' ? '+' : '-'}Inf`
  const shortest = precision < 0
  const decimal = shortest ? shortestDecimal(x) : exactDecimal(x)
  if (format === 'f') {
    const places = shortest ? Math.max(decimal.digits.length - decimal.point, 0) : precision
    return sign + plain(shortest ? decimal : rounded(decimal, decimal.point + places), places)
  }
  if (format === 'e' || format === 'E') {
    const places = shortest ? decimal.digits.length - 1 : precision
    return sign + scientific(shortest ? decimal : rounded(decimal, 1 + places), places, format)
  }
  const wanted = shortest ? decimal.digits.length : Math.max(precision, 1)
  const cut = shortest ? decimal : rounded(decimal, wanted)
  const length = cut.digits.length
  const threshold = shortest ? 6 : wanted > length && length >= cut.point ? length : wanted
  const exponent = cut.point - 1
  if (exponent < -4 || exponent >= threshold) {
    return sign + scientific(cut, Math.min(wanted, Math.max(length, 1)) - 1, format === 'g' ? 'e' : 'E')
  }
  return sign + plain(cut, Math.max((wanted > cut.point ? length : wanted) - cut.point, 0))
}

/** The number as conversion to string writes it: plain decimal digits, as few as identify it. */
export function numberText(x: BigFloat): string {
  if (x.form === 'finite' && x.exponent >= 0 && x.exponent + bitLength(x.mantissa) <= x.precision) {
    return (x.negative ? '-' : '') + (x.mantissa << BigInt(x.exponent)).toString()
  }
  return formatFloat(x, 'f', -1)
}

function plain(decimal: Decimal, places: number): string {
  const whole = decimal.point > 0 ? decimal.digits.slice(0, decimal.point).padEnd(decimal.point, '0') : '0'
  if (places === 0) return whole
  const fraction =
    decimal.point >= 0 ? decimal.digits.slice(decimal.point) : '0'.repeat(-decimal.point) + decimal.digits
  return `${whole}.${fraction.slice(0, places).padEnd(places, '0')}`
}

function scientific(decimal: Decimal, places: number, marker: 'e' | 'E'): string {
  const exponent = decimal.digits === '' ? 0 : decimal.point - 1
  const first = decimal.digits[0] ?? '0'
  const rest = places > 0 ? `.${decimal.digits.slice(1, 1 + places).padEnd(places, '0')}` : ''
  return `${first}${rest}${marker}${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function trimmed(digits: string, point: number): Decimal {
  const kept = digits.replace(/0+$/, '')
  return { digits: kept, point: kept === '' ? 0 : point }
}

function fromBinary(mantissa: bigint, exponent: number): Decimal {
  if (mantissa === 0n) return { digits: '', point: 0 }
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString()
    return trimmed(digits, digits.length)
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString()
  return trimmed(digits, digits.length + exponent)
}

function exactDecimal(x: BigFloat): Decimal {
  return fromBinary(x.mantissa, x.exponent)
}

function rounded(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal
  if (count < 0) return { digits: '', point: 0 }
  if (count >= digits.length) return decimal
  const next = digits.charCodeAt(count) - 48
  const exactHalf = next === 5 && count + 1 === digits.length
  const up = exactHalf ? count > 0 && ((digits.charCodeAt(count - 1) - 48) & 1) === 1 : next >= 5
  return up ? roundedUp(decimal, count) : trimmed(digits.slice(0, count), point)
}

function roundedUp({ digits, point }: Decimal, count: number): Decimal {
  let i = count
  while (i > 0 && digits[i - 1] === '9') i--
  if (i === 0) return { digits: '1', point: point + 1 }
  return { digits: digits.slice(0, i - 1) + String(Number(digits[i - 1]) + 1), point }
}

/** The shortest decimal between the midpoints to the neighbouring numbers of the same precision. */
function shortestDecimal(x: BigFloat): Decimal {
  if (x.form === 'zero') return { digits: '', point: 0 }
  const widen = x.precision + 1 - bitLength(x.mantissa)
  const mantissa = x.mantissa << BigInt(widen)
  const exponent = x.exponent - widen
  const value = fromBinary(mantissa, exponent)
  const lower = fromBinary(mantissa - 1n, exponent)
  const upper = fromBinary(mantissa + 1n, exponent)
  const inclusive = (mantissa & 2n) === 0n
  const shift = upper.point - value.point
  const low = '0'.repeat(Math.max(0, value.point - lower.point)) + lower.digits
  for (let i = 0; i < value.digits.length; i++) {
    const m = value.digits.charCodeAt(i)
    const l = i < low.length ? low.charCodeAt(i) : 48
    const u = upperAt(upper.digits, i + shift, i, shift)
    const down = l !== m || (inclusive && i + 1 === low.length)
    const up = m !== u && (inclusive || m + 1 < u || i + 1 + shift < upper.digits.length)
    if (up && down) return rounded(value, i + 1)
    if (down) return trimmed(value.digits.slice(0, i + 1), value.point)
    if (up) return roundedUp(value, i + 1)
  }
  return value
}

function upperAt(digits: string, at: number, i: number, shift: number): number {
  if (shift > 0 && i === 0) return 58
  return at < digits.length ? digits.charCodeAt(at) : 48
}
