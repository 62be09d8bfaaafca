import { quote } from '../../gostd/quote.ts'
import { FunctionError } from '../function.ts'

/** A moment and the zone it was written in. */
export interface Moment {
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint
  /** Minutes east of UTC. */
  readonly offset: number
}

/** A billion. */
export const nanosPerSecond = 1_000_000_000n

/** What a calendar and a clock on the wall show at a moment, in the zone of the moment. */
export interface WallClock {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  /** 1 to 366. */
  readonly yearDay: number
  /** 0 is Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly isoYear: number
  readonly isoWeek: number
}

const secondsPerDay = 86_400n
/** Days from 1 March of year 0 to the epoch. */
const epochDay = 719_468
const daysOf400Years = 146_097
/** Where Go's clock begins, in seconds before the epoch: moments before it wrap around to its end. */
const beginning = 62_135_596_800n + ((292_277_022_400n * 3_652_425n) / 10_000n + 306n) * secondsPerDay

/** Whole seconds since the epoch, rounded down. */
export function unixSeconds({ nanos }: Moment): bigint {
  return floorDivide(nanos, nanosPerSecond)
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

/** The calendar and clock of a moment, for any moment of 64 bits of seconds. */
export function wallClock(moment: Moment): WallClock {
  const local = unixSeconds(moment) + BigInt(moment.offset * 60)
  const seconds = BigInt.asUintN(64, local + beginning) - beginning
  const days = floorDivide(seconds, secondsPerDay)
  const rest = Number(seconds - days * secondsPerDay)
  const weekday = Number((((days + 4n) % 7n) + 7n) % 7n)
  const date = calendarDate(Number(days))
  const thursday = calendarDate(Number(days) + 3 - ((weekday + 6) % 7))
  return {
    ...date,
    weekday,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    isoYear: thursday.year,
    isoWeek: Math.ceil(thursday.yearDay / 7),
  }
}

/** The date of a day counted from the epoch; years are counted from March inside, so that leap days come last. */
function calendarDate(days: number): { year: number; month: number; day: number; yearDay: number } {
  const cycle = Math.floor((days + epochDay) / daysOf400Years)
  let rest = days + epochDay - cycle * daysOf400Years
  const century = Math.min(Math.floor(rest / 36_524), 3)
  rest -= century * 36_524
  const four = Math.floor(rest / 1_461)
  rest -= four * 1_461
  const one = Math.min(Math.floor(rest / 365), 3)
  rest -= one * 365
  const fromMarch = Math.floor((rest * 5 + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = cycle * 400 + century * 100 + four * 4 + one + (month <= 2 ? 1 : 0)
  const day = rest - Math.floor((fromMarch * 153 + 2) / 5) + 1
  return { year, month, day, yearDay: days - dayNumber(year, 1, 1) + 1 }
}

/** Days from the epoch to a date. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const fromMarch = (month + 9) % 12
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  return y * 365 + leaps + Math.floor((fromMarch * 153 + 2) / 5) + day - 1 - epochDay
}

/** An offset as `+05:30`, with the separator given. */
export function zoneText(offset: number, separator: string): string {
  const size = Math.abs(offset)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`
}

/** The moment as RFC 3339 writes it, in whole seconds. */
export function writeTimestamp(moment: Moment): string {
  const { year, month, day, hour, minute, second } = wallClock(moment)
  const padded = (n: number, width: number): string =>
    (n < 0 ? '-' : '') + String(Math.abs(n)).padStart(width, '0')
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`
  const time = `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}`
  return `${date}T${time}${moment.offset === 0 ? 'Z' : zoneText(moment.offset, ':')}`
}

interface Segment {
  readonly name: string
  readonly pattern: RegExp
  readonly isValid?: (n: number) => boolean
}

const separator = (text: string): Segment => ({ name: text, pattern: new RegExp(`^${text}`) })
const digits = (name: string, isValid: (n: number) => boolean, pattern = /^\d{2}/): Segment => ({
  name,
  pattern,
  isValid,
})
const segments: readonly Segment[] = [
  digits('year', () => true, /^\d{4}/),
  separator('-'),
  digits('month', n => n >= 1 && n <= 12),
  separator('-'),
  digits('day of month', () => true),
  separator('T'),
  digits('hour', n => n < 24, /^\d{1,2}/),
  separator(':'),
  digits('minute', n => n < 60),
  separator(':'),
  digits('second', n => n < 60),
]

/** Reads an RFC 3339 timestamp; throws a `FunctionError` in the words of go-cty. */
export function parseTimestamp(given: string): Moment {
  let rest = given
  const numbers: number[] = []
  for (const { name, pattern, isValid } of segments) {
    const found = pattern.exec(rest)?.[0]
    if (found === undefined) throw unfit(name, rest)
    rest = rest.slice(found.length)
    if (isValid === undefined) continue
    if (!isValid(Number(found))) throw unfit(name, rest)
    numbers.push(Number(found))
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers
  const fraction = /^[.,](\d+)/.exec(rest)
  rest = rest.slice(fraction?.[0].length ?? 0)
  const zone = parseZone(rest)
  if (zone.rest !== '') throw unfit('timestamp segment', zone.rest)
  const nextMonth = month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1)
  const date = dayNumber(year, month, day)
  if (day < 1 || date >= nextMonth) throw invalid('day out of range')
  if (given[12] === ':') throw invalid('hour must have exactly two digits')
  if (fraction?.[0].startsWith(',') === true) throw unfit('timestamp segment', ',')
  if (zone.hours > 23 || zone.minutes > 59) throw unfit('UTC offset', given.slice(-6))
  const offset = (zone.hours * 60 + zone.minutes) * zone.sign
  const local = BigInt(date) * secondsPerDay + BigInt(hour * 3600 + minute * 60 + second)
  const nanos = BigInt((fraction?.[1] ?? '').slice(0, 9).padEnd(9, '0'))
  return { nanos: (local - BigInt(offset * 60)) * nanosPerSecond + nanos, offset }
}

interface Zone {
  readonly sign: 1 | -1
  readonly hours: number
  readonly minutes: number
  readonly rest: string
}

function parseZone(text: string): Zone {
  if (text.startsWith('Z')) return { sign: 1, hours: 0, minutes: 0, rest: text.slice(1) }
  const found = /^([+-])(\d{2}):(\d{2})/.exec(text)
  if (found === null) throw unfit('UTC offset', text)
  const [hours, minutes] = [Number(found[2]), Number(found[3])]
  const rest = text.slice(6)
  if (hours > 24 || minutes > 60) throw unfit('UTC offset', rest)
  return { sign: found[1] === '-' ? -1 : 1, hours, minutes, rest }
}

function invalid(why: string): FunctionError {
  return new FunctionError(`not a valid RFC3339 timestamp: ${why}`)
}

/** What go-cty says about the text found where a segment was to stand, or behind one that is out of range. */
function unfit(name: string, found: string): FunctionError {
  if (name === 'T') return invalid("missing required time introducer 'T'")
  if (name === '-' || name === ':') {
    const where = `where ${quote(name)} is expected`
    return invalid(found === '' ? `end of string ${where}` : `found ${quote(found)} ${where}`)
  }
  if (found === '') return invalid(`end of string before ${name}`)
  if (name === 'hour' && found.includes(':')) return invalid('hour must be between 0 and 23 inclusive')
  if ((name === 'hour' || name === 'minute') && Buffer.byteLength(found) !== 2)
    return invalid(`${name} must have exactly two digits`)
  return invalid(`cannot use ${quote(found)} as ${name}`)
}
