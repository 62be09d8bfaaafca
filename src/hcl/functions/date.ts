import { parseDuration } from '../../gostd/duration.ts'
import { quote } from '../../gostd/quote.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import { FunctionError, type HclFunction } from '../function.ts'
import { isIntegral, truncateFloat } from '../value/big-float.ts'
import { numberType, objectType, stringType } from '../value/type.ts'
import { asFloat, asText, integerValue, objectValue, stringValue, type Value } from '../value/value.ts'
import {
  type Moment,
  nanosPerSecond,
  parseTimestamp,
  unixSeconds,
  wallClock,
  writeTimestamp,
  zoneText,
} from './timestamp.ts'
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
const two = (n: number): string => String(n).padStart(2, '0')
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

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

function dateVerb(token: string, moment: Moment): string {
  const { offset } = moment
  const date = wallClock(moment)
  const size = token.length
  const bad = (why: string): FunctionError =>
    new FunctionError(`invalid date format verb ${quote(token)}: ${why}`, 0)
  const oneOrTwo = (n: number, why: string): string => {
    if (size > 2) throw bad(why)
    return size === 1 ? String(n) : two(n)
  }
  const hour = date.hour
  switch (token[0]) {
    case 'Y':
      if (size === 2) return two(date.year % 100)
      if (size === 4) return String(date.year).padStart(4, '0')
      throw bad('year must either be "YY" or "YYYY"')
    case 'M': {
      const name = months[date.month - 1] as string
      if (size > 4) throw bad('month must be "M", "MM", "MMM", or "MMMM"')
      return size === 3 ? name.slice(0, 3) : size === 4 ? name : oneOrTwo(date.month, '')
    }
    case 'D':
      return oneOrTwo(date.day, 'day of month must either be "D" or "DD"')
    case 'E': {
      const name = weekdays[date.weekday] as string
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
      return oneOrTwo(date.minute, 'minute must either be "m" or "mm"')
    case 's':
      return oneOrTwo(date.second, 'second must either be "s" or "ss"')
    case 'Z':
      if (size === 1) return offset === 0 ? 'Z' : zoneText(offset, ':')
      if (size === 3 && offset === 0) return 'UTC'
      if (size === 3 || size === 4) return zoneText(offset, '')
      if (size === 5) return zoneText(offset, ':')
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
    const nanos = moment.nanos + parseDuration(textArgument(duration))
    return stringValue(writeTimestamp({ ...moment, nanos }))
  } catch (e) {
    if (isSlipwayError(e)) throw new FunctionError(e.message)
    throw e
  }
})

/** The moment of a unix timestamp, which must be a whole number of 64 bits. */
function unixMoment(v: Value, argument: number): Moment {
  const float = asFloat(v)
  const whole = isIntegral(float) ? truncateFloat(float) : undefined
  if (whole === undefined || whole !== BigInt.asIntN(64, whole)) {
    throw new FunctionError('unix timestamp must be an integer', argument)
  }
  return { nanos: whole * nanosPerSecond, offset: 0 }
}

const formattimestamp = define([text('format'), any('time')], stringType, ([layout, time]) => {
  const given = time as Value
  const { kind } = given.type
  if (kind !== 'string' && kind !== 'number') {
    throw new FunctionError('must be a string timestamp or a unix timestamp number', 1)
  }
  const format = textArgument(layout)
  const written = kind === 'number' ? writeTimestamp(unixMoment(given, 1)) : asText(given)
  if (format !== 'X') return stringValue(formatDate(format, momentArgument(written, 1)))
  if (kind === 'number') return stringValue(String(unixMoment(given, 1).nanos / nanosPerSecond))
  try {
    return stringValue(String(unixSeconds(parseTimestamp(written))))
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
  const moment = unixMoment(v as Value, 0)
  const { year, yearDay, month, day, weekday, hour, minute, second, isoYear, isoWeek } = wallClock(moment)
  const numbers = { year, year_day: yearDay, day, month, weekday, hour, minute, second }
  const entries = new Map<string, Value>(
    Object.entries({ ...numbers, iso_year: isoYear, iso_week: isoWeek }).map(([k, n]) => [
      k,
      integerValue(n),
    ]),
  )
  entries.set('month_name', stringValue(months[month - 1] as string))
  entries.set('weekday_name', stringValue(weekdays[weekday] as string))
  return objectValue(entries.set('rfc3339', stringValue(writeTimestamp(moment))))
})

/** Dates; `now` is the moment that `timestamp()` tells, in ms since the epoch. */
export function dateFunctions(now: number): FunctionTable {
  const formatdate: HclFunction = define([text('format'), text('time')], stringType, ([layout, time]) =>
    stringValue(formatDate(textArgument(layout), momentArgument(textArgument(time), 1))),
  )
  const timestamp = define([], stringType, () =>
    stringValue(writeTimestamp({ nanos: BigInt(Math.floor(now / 1000)) * nanosPerSecond, offset: 0 })),
  )
  return { formatdate, formattimestamp, timeadd, timestamp, unixtimestampparse }
}
