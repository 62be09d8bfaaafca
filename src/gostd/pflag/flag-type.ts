import { SlipwayError } from '../../errors/slipway-error.ts'
import { csvLine, csvRecord } from '../csv.ts'
import { type Duration, formatDuration, parseDuration } from '../duration.ts'
import { parseBool, parseFloat64, parseInteger } from '../parse-number.ts'

/** How the values of a kind of flag are read and shown; `name` is pflag's type name. */
export interface FlagType<T> {
  readonly name: string
  readonly zero: T
  /** Default texts that the help does not mention. */
  readonly zeroTexts: readonly string[]
  readonly noOptDefault?: string
  /** The value after `text` was given; `changed` tells that the flag was given before. Throws `invalid-argument`. */
  readonly parse: (text: string, current: T, changed: boolean) => T
  readonly format: (value: T) => string
}

/** Texts that count as zero for types without a rule of their own. */
export const anyZero: readonly string[] = ['false', '<nil>', '', '0']

/** `--flag text`. */
export const stringType: FlagType<string> = {
  name: 'string',
  zero: '',
  zeroTexts: [''],
  parse: text => text,
  format: value => value,
}

/** `--flag`, `--flag=false`. */
export const boolType: FlagType<boolean> = {
  name: 'bool',
  zero: false,
  zeroTexts: ['false', ''],
  noOptDefault: 'true',
  parse: parseBool,
  format: String,
}

/** `--flag 12`, in any of Go's notations. */
export const intType: FlagType<number> = {
  name: 'int',
  zero: 0,
  zeroTexts: ['0'],
  parse: text => parseInteger(text),
  format: String,
}

/** As `intType`, under the name that the help shows for 64-bit values. */
export const int64Type: FlagType<number> = { ...intType, name: 'int64' }

/** `--flag 1.5`. */
export const float64Type: FlagType<number> = {
  name: 'float64',
  zero: 0,
  zeroTexts: ['0'],
  parse: parseFloat64,
  format: String,
}

/** `-vvv` or `--flag=3`. */
export const countType: FlagType<number> = {
  name: 'count',
  zero: 0,
  zeroTexts: ['0'],
  noOptDefault: '+1',
  parse: (text, current) => (text === '+1' ? current + 1 : parseInteger(text)),
  format: String,
}

/** `--flag 1h30m`. */
export const durationType: FlagType<Duration> = {
  name: 'duration',
  zero: 0n,
  zeroTexts: ['0', '0s'],
  parse: parseDuration,
  format: formatDuration,
}

/** Each use adds one element, commas and all. */
export const stringArrayType: FlagType<readonly string[]> = {
  name: 'stringArray',
  zero: [],
  zeroTexts: ['[]'],
  parse: (text, current, changed) => (changed ? [...current, text] : [text]),
  format: formatList,
}

/** Each use adds the elements of a CSV line. */
export const stringSliceType: FlagType<readonly string[]> = {
  name: 'stringSlice',
  zero: [],
  zeroTexts: ['[]'],
  parse: (text, current, changed) => {
    const added = text === '' ? [] : csvRecord(text)
    return changed ? [...current, ...added] : added
  },
  format: formatList,
}

/** Each use adds `key=value` pairs, several as a CSV line. */
export const stringToStringType: FlagType<ReadonlyMap<string, string>> = {
  name: 'stringToString',
  zero: new Map(),
  zeroTexts: ['[]'],
  parse: (text, current, changed) => {
    const single = text.split('=').length === 2
    const pairs = single ? [text.replace(/^"+|"+$/g, '')] : csvPairs(text)
    const added = pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 0) throw notPair(pair)
      return [pair.slice(0, at), pair.slice(at + 1)] as const
    })
    return new Map([...(changed ? current : []), ...added])
  },
  format: value => formatList([...value].map(([key, v]) => `${key}=${v}`).toSorted()),
}

function csvPairs(text: string): string[] {
  if (!text.includes('=')) throw notPair(text)
  return csvRecord(text)
}

function notPair(text: string): SlipwayError {
  return new SlipwayError('invalid-argument', `${text} must be formatted as key=value`)
}

function formatList(values: readonly string[]): string {
  return `[${csvLine(values)}]`
}
