/**
 * `%.Nf`: a fixed number of fraction digits, exact ties to even. (`Number.prototype.toFixed` is exact too, but takes
 * ties up.)
 */
export function formatFixed(value: number, digits: number): string {
  const doubled = Math.abs(value) * 2 ** (digits + 1)
  const isTie = Number.isInteger(doubled) && doubled % 2 === 1
  if (!isTie) return value.toFixed(digits)
  const scale = 10 ** digits
  const below = Math.floor(Math.abs(value) * scale)
  const even = below % 2 === 0 ? below : below + 1
  return ((Math.sign(value) * even) / scale).toFixed(digits)
}
