import { SlipwayError } from '../errors/slipway-error.ts'
import { timeQuote } from './time-quote.ts'

/**
 * A moment (milliseconds since the epoch, with a fraction) in UTC as Go's RFC3339Nano: as many fraction digits as are
 * not zero, `2006-01-02T15:04:05.000123Z`.
 */
export function formatRfc3339Nano(ms: number): string {
  const [seconds, nanos] = splitMoment(ms)
  return formatMoment(seconds, nanos)
}

/** The same for a google.protobuf.Timestamp, of which nothing is lost. */
export function formatMoment(seconds: number | bigint, nanos: number): string {
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${date}${fraction}Z`
}

/** A moment in UTC to the second, `2006-01-02T15:04:05Z`. */
export function formatRfc3339(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`
}

/** A moment in UTC as Go's `time.Time.String` prints it: `2006-01-02 15:04:05.000123 +0000 UTC`. */
export function formatGoTime(ms: number): string {
  return `${formatRfc3339Nano(ms).replace('T', ' ').slice(0, -1)} +0000 UTC`
}

/**
 * Reads an RFC 3339 text with any number of fraction digits and any offset. Throws `invalid-argument` with a message
 * like that of Go's `time.Parse`.
 */
export function parseRfc3339(text: string): number {
  const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  const whole = form === null ? Number.NaN : Date.parse(`${form[1]}${form[3]}`)
  if (Number.isNaN(whole)) {
    const layout = '"2006-01-02T15:04:05Z07:00"'
    throw new SlipwayError(
      'invalid-argument',
      `parsing time ${timeQuote(text)} as ${layout}: cannot parse ${timeQuote(text)} as "2006"`,
    )
  }
  return whole + Number(`0.${form?.[2] ?? 0}`) * 1000
}

/** Whole seconds since the epoch and the nanoseconds after them (0 to 999999999), as google.protobuf.Timestamp. */
export function splitMoment(ms: number): [seconds: number, nanos: number] {
  const whole = Math.floor(ms)
  const seconds = Math.floor(whole / 1000)
  const nanos = (whole - seconds * 1000) * 1e6 + Math.round((ms - whole) * 1e6)
  return nanos >= 1e9 ? [seconds + 1, nanos - 1e9] : [seconds, nanos]
}

/** The moment of a google.protobuf.Timestamp. */
export function joinMoment(seconds: number | bigint, nanos: number): number {
  return Number(seconds) * 1000 + nanos / 1e6
}
