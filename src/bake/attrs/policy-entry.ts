import { csvFields } from '../../gostd/csv.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { parseBool } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import { invalid, splitField } from './attribute-csv.ts'

/** One value of `--policy`. */
export interface PolicyEntry {
  /** Policy files to load. */
  readonly files: readonly string[]
  /** Forget the policies named before. */
  readonly reset: boolean
  /** Evaluate no policy at all. */
  readonly disabled: boolean
  readonly strict?: boolean
  readonly logLevel?: string
}

const levels: Readonly<Record<string, string>> = {
  panic: 'panic',
  fatal: 'fatal',
  error: 'error',
  warn: 'warning',
  warning: 'warning',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
}

/** Reads `filename=…,reset=…,disabled=…,strict=…,log-level=…`. Throws `invalid-argument`. */
export function parsePolicyEntry(text: string): PolicyEntry {
  return makePolicyEntry(csvFields(text))
}

/** An entry from `key=value` fields. Throws `invalid-argument` with the field that is wrong. */
export function makePolicyEntry(fields: readonly string[]): PolicyEntry {
  const files: string[] = []
  let [reset, disabled] = [false, false]
  let strict: boolean | undefined
  let logLevel: string | undefined
  for (const field of fields) {
    const [rawKey, value] = splitField(field)
    const key = rawKey.toLowerCase().trim()
    if (key === 'filename' && value !== '') files.push(value)
    else if (key === 'reset') reset = flag(field, value)
    else if (key === 'disabled') disabled = flag(field, value)
    else if (key === 'strict') strict = flag(field, value)
    else if (key === 'log-level') logLevel = level(field, value)
    else throw invalid(`invalid value ${field}`)
  }
  return {
    files,
    reset,
    disabled,
    ...(strict === undefined ? {} : { strict }),
    ...(logLevel === undefined ? {} : { logLevel }),
  }
}

function flag(field: string, value: string): boolean {
  try {
    return parseBool(value)
  } catch (e) {
    throw wrapError(`invalid value ${field}`, e)
  }
}

function level(field: string, value: string): string {
  const key = value.toLowerCase()
  const known = Object.hasOwn(levels, key) ? levels[key] : undefined
  if (known === undefined) throw invalid(`invalid value ${field}: not a valid logrus Level: ${quote(value)}`)
  return known
}

/** Reads all values of `--policy`. */
export function parsePolicyEntries(values: readonly string[]): PolicyEntry[] {
  return values.map(parsePolicyEntry)
}
