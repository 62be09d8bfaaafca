/**
 * `x` to the power of `y`, rounded as Go's `math.Pow` rounds: the whole part of the exponent by squaring a mantissa in
 * [½, 1), its fraction by way of the logarithm.
 */
export function power(x: number, y: number): number {
  if (x === 0 || x === 1 || y === 0 || y === 1 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y
  if (y === 0.5) return Math.sqrt(x)
  if (y === -0.5) return 1 / Math.sqrt(x)
  let whole = Math.floor(Math.abs(y))
  let fraction = Math.abs(y) - whole
  if (fraction !== 0 && x < 0) return Number.NaN
  // Such an exponent is even, and the result is too large or too small unless the base is -1.
  if (whole >= 2 ** 63) return x ** y
  let result = 1
  if (fraction !== 0) {
    if (fraction > 0.5) {
      fraction--
      whole++
    }
    result = Math.exp(fraction * Math.log(x))
  }
  let exponent = 0
  let base = split(x)
  for (let left = BigInt(whole); left !== 0n; left >>= 1n) {
    if (Math.abs(base.exponent) > 4096) {
      exponent += base.exponent
      break
    }
    if ((left & 1n) === 1n) {
      result *= base.mantissa
      exponent += base.exponent
    }
    const square = base.mantissa * base.mantissa
    base =
      square < 0.5
        ? { mantissa: square * 2, exponent: base.exponent * 2 - 1 }
        : { mantissa: square, exponent: base.exponent * 2 }
  }
  return y < 0 ? scale(1 / result, -exponent) : scale(result, exponent)
}

/** `x = mantissa * 2^exponent` with a mantissa of at least ½ and less than 1 in size. */
function split(x: number): { readonly mantissa: number; readonly exponent: number } {
  let mantissa = x
  let exponent = 0
  if (Math.abs(mantissa) < 2 ** -1022) {
    mantissa *= 2 ** 52
    exponent -= 52
  }
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, mantissa)
  const stored = (bits.getUint16(0) >> 4) & 0x7ff
  bits.setUint16(0, (bits.getUint16(0) & 0x800f) | (1022 << 4))
  return { mantissa: bits.getFloat64(0), exponent: exponent + stored - 1022 }
}

/** `x * 2^exponent`, rounded once. */
function scale(x: number, exponent: number): number {
  let result = x
  let left = Math.max(-2200, Math.min(2200, exponent))
  for (; left > 1000; left -= 1000) result *= 2 ** 1000
  // Down to the edge of the normal numbers no digit is lost; the last step rounds.
  for (; left < -1000 && Math.abs(result) > 1; left += 1000) result *= 2 ** -1000
  return left < -1000 ? result * 2 ** -1000 * 2 ** (left + 1000) : result * 2 ** left
}
