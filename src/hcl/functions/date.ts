import { parseDuration } from '../../gostd/duration.ts'
import { quote } from '../../gostd/quote.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import { FunctionError, type HclFunction } from '../function.ts'
import { isIntegral, truncateFloat } from '../value/big-float.ts'
import { numberType, objectType, stringType } from '../value/type.ts'
import { asFloat, asText, integerValue, objectValue, stringValue, type Value } from '../value/value.ts'
import { any, define, type FunctionTable, number, text, textArgument } from './arguments.ts'

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** A moment as written: `local` is its wall clock in ms as if it were UTC, `offset` minutes east. */
interface Moment {
  readonly local: number
  readonly offset: number
}

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|([+-])(\d{2}):(\d{2}))$/

function parseTimestamp(given: string): Moment {
  const m = rfc3339.exec(given)
  if (m === null) throw new FunctionError(`not a valid RFC3339 timestamp: ${syntaxProblem(given)}`)
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const outOfRange = (what: string): FunctionError =>
    new FunctionError(`not a valid RFC3339 timestamp: ${what} out of range`)
  if (month < 1 || month > 12) throw outOfRange('month')
  if (day < 1 || day > new Date(Date.UTC(year + 400, month, 0)).getUTCDate()) throw outOfRange('day')
  if (hour > 23)
    throw new FunctionError('not a valid RFC3339 timestamp: hour must be between 0 and 23 inclusive')
  if (minute > 59) throw outOfRange('minute')
  if (second > 59) throw outOfRange('second')
  const [zoneHour, zoneMinute] = [Number(m[8] ?? 0), Number(m[9] ?? 0)]
  if (zoneHour > 23) throw outOfRange('timezone hour')
  if (zoneMinute > 59) throw outOfRange('timezone minute')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  return { local: date.getTime(), offset: (zoneHour * 60 + zoneMinute) * (m[7] === '-' ? -1 : 1) }
}

const segments: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}/, 'year'],
  [/^-/, '"-"'],
  [/^\d{2}/, 'month'],
  [/^-/, '"-"'],
  [/^\d{2}/, 'day of month'],
  [/^T/, 'T'],
  [/^\d{2}/, 'hour'],
  [/^:/, '":"'],
  [/^\d{2}/, 'minute'],
  [/^:/, '":"'],
  [/^\d{2}/, 'second'],
  [/^(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})/, 'UTC offset'],
]

/** What is wrong with a text that is no timestamp, told from its first segment that does not fit. */
function syntaxProblem(given: string): string {
  let rest = given
  for (const [pattern, what] of segments) {
    const found = pattern.exec(rest)
    if (found !== null) {
      rest = rest.slice(found[0].length)
      continue
    }
    if (what === 'T') return "missing required time introducer 'T'"
    if (what.startsWith('"'))
      return rest === ''
        ? `end of string where ${what} is expected`
        : `found ${quote(rest)} where ${what} is expected`
    if (rest === '') return `end of string before ${what}`
    if (what === 'hour' || what === 'minute') return `${what} must have exactly two digits`
    return `cannot use ${quote(rest)} as ${what}`
  }
  return `extra text: ${quote(rest)}`
}

const two = (n: number): string => String(n).padStart(2, '0')

function zone(offset: number, separator: string): string {
  const size = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`
}

function writeRfc3339({ local, offset }: Moment): string {
  return new Date(local).toISOString().replace(/\.\d+Z$/, '') + (offset === 0 ? 'Z' : zone(offset, ':'))
}

/** The text that a date format gives, in which letters are verbs and quoted text stands for itself. */
function formatDate(layout: string, moment: Moment): string {
  let out = ''
  for (let at = 0; at < layout.length; ) {
    const c = layout[at] as string
    const token =
      c === "'" ? quotedToken(layout, at) : (/^([A-Za-z])\1*|^[^A-Za-z']+/.exec(layout.slice(at))?.[0] ?? c)
    if (c === "'") out += token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'")
    else out += /[A-Za-z]/.test(c) ? dateVerb(token, moment) : token
    at += token.length
  }
  return out
}

function quotedToken(layout: string, at: number): string {
  const token = layout.startsWith("''", at) ? "''" : /^'(?:[^']|'')*'/.exec(layout.slice(at))?.[0]
  if (token === undefined) throw new FunctionError("unterminated literal '", 0)
  return token
}

function dateVerb(token: string, { local, offset }: Moment): string {
  const date = new Date(local)
  const size = token.length
  const bad = (why: string): FunctionError =>
    new FunctionError(`invalid date format verb ${quote(token)}: ${why}`, 0)
  const oneOrTwo = (n: number, why: string): string => {
    if (size > 2) throw bad(why)
    return size === 1 ? String(n) : two(n)
  }
  const hour = date.getUTCHours()
  switch (token[0]) {
    case 'Y':
      if (size === 2) return two(date.getUTCFullYear() % 100)
      if (size === 4) return String(date.getUTCFullYear()).padStart(4, '0')
      throw bad('year must either be "YY" or "YYYY"')
    case 'M': {
      const name = months[date.getUTCMonth()] as string
      if (size > 4) throw bad('month must be "M", "MM", "MMM", or "MMMM"')
      return size === 3 ? name.slice(0, 3) : size === 4 ? name : oneOrTwo(date.getUTCMonth() + 1, '')
    }
    case 'D':
      return oneOrTwo(date.getUTCDate(), 'day of month must either be "D" or "DD"')
    case 'E': {
      const name = weekdays[date.getUTCDay()] as string
      if (size !== 3 && size !== 4) throw bad('day of week must either be "EEE" or "EEEE"')
      return size === 3 ? name.slice(0, 3) : name
    }
    case 'h':
      return oneOrTwo(hour, '24-hour must either be "h" or "hh"')
    case 'H':
      return oneOrTwo(hour % 12 === 0 ? 12 : hour % 12, '12-hour must either be "H" or "HH"')
    case 'A':
    case 'a': {
      if (size !== 2) throw bad(`must be "${token[0]}${token[0]}"`)
      const half = hour < 12 ? 'AM' : 'PM'
      return token[0] === 'A' ? half : half.toLowerCase()
    }
    case 'm':
      return oneOrTwo(date.getUTCMinutes(), 'minute must either be "m" or "mm"')
    case 's':
      return oneOrTwo(date.getUTCSeconds(), 'second must either be "s" or "ss"')
    case 'Z':
      if (size === 1) return offset === 0 ? 'Z' : zone(offset, ':')
      if (size === 3 && offset === 0) return 'UTC'
      if (size === 3 || size === 4) return zone(offset, '')
      if (size === 5) return zone(offset, ':')
      throw bad('timezone must be Z, ZZZZ, or ZZZZZ')
    default:
      throw new FunctionError(`invalid date format verb ${quote(token)}`, 0)
  }
}

function momentArgument(given: string, argument?: number): Moment {
  try {
    return parseTimestamp(given)
  } catch (e) {
    if (e instanceof FunctionError) throw new FunctionError(e.message, argument)
    throw e
  }
}

const timeadd = define([text('timestamp'), text('duration')], stringType, ([timestamp, duration]) => {
  const moment = momentArgument(textArgument(timestamp))
  try {
    const ms = Number(parseDuration(textArgument(duration)) / 1_000_000n)
    return stringValue(writeRfc3339({ ...moment, local: moment.local + ms }))
  } catch (e) {
    if (isSlipwayError(e)) throw new FunctionError(e.message)
    throw e
  }
})

/** The seconds of a unix timestamp, which must be whole and within what dates can express. */
function unixSeconds(v: Value, argument: number): number {
  const float = asFloat(v)
  const whole = isIntegral(float) ? truncateFloat(float) : undefined
  if (whole === undefined || whole > 8_640_000_000_000n || whole < -62_135_596_800n * 2n) {
    throw new FunctionError('unix timestamp must be an integer', argument)
  }
  return Number(whole)
}

const formattimestamp = define([text('format'), any('time')], stringType, ([layout, time]) => {
  const given = time as Value
  const { kind } = given.type
  if (kind !== 'string' && kind !== 'number') {
    throw new FunctionError('must be a string timestamp or a unix timestamp number', 1)
  }
  const isUnix = textArgument(layout) === 'X'
  if (kind === 'number') {
    const seconds = unixSeconds(given, 1)
    return stringValue(
      isUnix ? String(seconds) : formatDate(textArgument(layout), { local: seconds * 1000, offset: 0 }),
    )
  }
  if (!isUnix) return stringValue(formatDate(textArgument(layout), momentArgument(asText(given), 1)))
  try {
    const { local, offset } = parseTimestamp(asText(given))
    return stringValue(String(Math.floor((local - offset * 60_000) / 1000)))
  } catch (e) {
    if (e instanceof FunctionError) throw new FunctionError('timestamp string must be RFC3339', 1)
    throw e
  }
})

const parsedFields: readonly (readonly [string, 'number' | 'string'])[] = [
  ['year', 'number'],
  ['year_day', 'number'],
  ['day', 'number'],
  ['month', 'number'],
  ['month_name', 'string'],
  ['weekday', 'number'],
  ['weekday_name', 'string'],
  ['hour', 'number'],
  ['minute', 'number'],
  ['second', 'number'],
  ['rfc3339', 'string'],
  ['iso_year', 'number'],
  ['iso_week', 'number'],
]
const parsedType = objectType(
  new Map(parsedFields.map(([name, kind]) => [name, kind === 'number' ? numberType : stringType])),
)

const unixtimestampparse = define([number('unix_timestamp')], parsedType, ([v]) => {
  const seconds = unixSeconds(v as Value, 0)
  const date = new Date(seconds * 1000)
  const dayOfYear = (d: Date): number =>
    Math.floor((d.getTime() - Date.UTC(d.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * 86_400_000)
  const numbers = {
    year: date.getUTCFullYear(),
    year_day: dayOfYear(date),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    iso_year: thursday.getUTCFullYear(),
    iso_week: Math.ceil(dayOfYear(thursday) / 7),
  }
  const entries = new Map<string, Value>(Object.entries(numbers).map(([k, n]) => [k, integerValue(n)]))
  entries.set('month_name', stringValue(months[date.getUTCMonth()] as string))
  entries.set('weekday_name', stringValue(weekdays[date.getUTCDay()] as string))
  return objectValue(entries.set('rfc3339', stringValue(writeRfc3339({ local: date.getTime(), offset: 0 }))))
})

/** Dates; `now` is the moment that `timestamp()` tells, in ms since the epoch. */
export function dateFunctions(now: number): FunctionTable {
  const formatdate: HclFunction = define([text('format'), text('time')], stringType, ([layout, time]) =>
    stringValue(formatDate(textArgument(layout), momentArgument(textArgument(time), 1))),
  )
  const timestamp = define([], stringType, () =>
    stringValue(writeRfc3339({ local: Math.floor(now / 1000) * 1000, offset: 0 })),
  )
  return { formatdate, formattimestamp, timeadd, timestamp, unixtimestampparse }
}
