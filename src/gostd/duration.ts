import { SlipwayError } from '../errors/slipway-error.ts'
import { timeQuote } from './time-quote.ts'

/** A Go `time.Duration`: nanoseconds, within an int64. */
export type Duration = bigint

/** Nanoseconds of the units that durations are written in. */
export const nanosecondsOf: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const limit = 2n ** 63n

/**
 * Reads `1h2m3.5s`, `-1.5h`, `300ms`, `0` as `time.ParseDuration` does. Throws `invalid-argument` with Go's texts
 * (`time: invalid duration "x"`, `time: missing unit in duration "5"`, `time: unknown unit "d" in duration "5d"`).
 */
export function parseDuration(text: string): Duration {
  const invalid = (): SlipwayError =>
    new SlipwayError('invalid-argument', `time: invalid duration ${timeQuote(text)}`)
  const negative = text.startsWith('-')
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const number = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest) as RegExpExecArray
    const [shown, whole = '', fraction = ''] = number
    if (whole === '' && fraction === '') throw invalid()
    rest = rest.slice(shown.length)
    const unit = /^[^.0-9]*/.exec(rest)?.[0] ?? ''
    if (unit === '') {
      throw new SlipwayError('invalid-argument', `time: missing unit in duration ${timeQuote(text)}`)
    }
    const scale = nanosecondsOf[unit]
    if (scale === undefined) {
      throw new SlipwayError(
        'invalid-argument',
        `time: unknown unit ${timeQuote(unit)} in duration ${timeQuote(text)}`,
      )
    }
    rest = rest.slice(unit.length)
    const part = fraction === '' ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
    total += BigInt(whole === '' ? '0' : whole) * scale + part
    if (total > limit) throw invalid()
  }
  if (negative) return -total
  if (total === limit) throw invalid()
  return total
}

/** Writes a duration as `time.Duration.String`: `1h2m3.5s`, `1.5ms`, `0s`. */
export function formatDuration(duration: Duration): string {
  if (duration === 0n) return '0s'
  const sign = duration < 0n ? '-' : ''
  const abs = duration < 0n ? -duration : duration
  if (abs < 1_000n) return `${sign}${abs}ns`
  if (abs < 1_000_000n) return `${sign}${decimal(abs, 3)}\u00b5s`
  if (abs < 1_000_000_000n) return `${sign}${decimal(abs, 6)}ms`
  const minutes = abs / 60_000_000_000n
  const seconds = `${decimal(abs % 60_000_000_000n, 9)}s`
  if (minutes === 0n) return sign + seconds
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** A duration in milliseconds, with a fraction. */
export function toMilliseconds(duration: Duration): number {
  return Number(duration) / 1e6
}

/** The duration of so many milliseconds, to the nanosecond. */
export function fromMilliseconds(ms: number): Duration {
  return BigInt(Math.round(ms * 1e6))
}

/** `value / 10^digits` without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits)
  const fraction = (value % scale).toString().padStart(digits, '0').replace(/0+$/, '')
  return fraction === '' ? `${value / scale}` : `${value / scale}.${fraction}`
}
