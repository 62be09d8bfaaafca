import { quoteRune } from '../../gostd/quote.ts'
import { jsonString } from '../../gostd/json.ts'
import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import { countGraphemes, graphemes } from '../syntax/grapheme.ts'
import { isIntegral, truncateFloat } from '../value/big-float.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { formatFloat, type FloatFormat } from '../value/format-float.ts'
import { valueToJson } from '../value/json-value.ts'
import { limitError } from '../value/limit.ts'
import { boolType, isSequence, listType, numberType, stringType, type Type } from '../value/type.ts'
import {
  asArray,
  asFloat,
  asText,
  isNull,
  lengthOf,
  listValue,
  maxStringLength,
  stringValue,
  type Value,
} from '../value/value.ts'
import { any, type FunctionTable, text, textArgument } from './arguments.ts'
import { quote } from '../../gostd/quote.ts'

/** `%[flags][width][.precision][[index]]mode` in a format string. */
interface Verb {
  readonly raw: string
  /** Where it begins, in bytes. */
  readonly offset: () => number
  readonly argument: number
  readonly mode: string
  readonly flags: string
  readonly width: number | undefined
  readonly precision: number | undefined
}

const verbPattern = /%([0#+ -]*)([1-9][0-9]*)?(?:\.([0-9]*))?(?:\[([1-9][0-9]*)\])?([A-Za-z])/y

/** The text that `format` gives for the arguments; throws a `FunctionError` in the words of go-cty. */
function formatText(format: string, args: readonly Value[]): string {
  let out = ''
  let next = 1
  let highest = 0
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at)
    if (percent < 0) {
      out += format.slice(at)
      break
    }
    out += format.slice(at, percent)
    if (format[percent + 1] === '%') {
      out += '%'
      at = percent + 2
      continue
    }
    const verb = readVerb(format, percent, next)
    highest = Math.max(highest, verb.argument)
    out += formatVerb(verb, args)
    if (out.length > maxStringLength) throw limitError(`a string of more than ${maxStringLength} characters`)
    next = verb.argument + 1
    at = percent + verb.raw.length
  }
  if (highest >= args.length) return out
  const used = highest === 0 ? 'no verbs in format string' : `only ${highest} used by format string`
  throw new FunctionError(`too many arguments; ${used}`, highest + 1)
}

function readVerb(format: string, offset: number, next: number): Verb {
  verbPattern.lastIndex = offset
  const match = verbPattern.exec(format)
  if (match === null) throw badVerb(format, offset)
  const [raw, flags = '', width, precision, index, mode = ''] = match
  if (Number(width ?? 0) > maxStringLength || Number(precision ?? 0) > 100_000)
    throw limitError('a field that wide')
  return {
    raw,
    offset: () => Buffer.byteLength(format.slice(0, offset)),
    flags,
    mode,
    argument: index === undefined ? next : Math.min(Number(index), 1e9),
    width: width === undefined ? undefined : Number(width),
    precision: precision === undefined ? undefined : Number(precision),
  }
}

function badVerb(format: string, offset: number): FunctionError {
  const start =
    /^%[0#+ -]*(?:[1-9][0-9]*)?(?:\.[0-9]*)?(?:\[(?:[1-9][0-9]*\]?)?)?/.exec(format.slice(offset))?.[0] ?? '%'
  const at = offset + start.length
  const bytes = Buffer.byteLength(format.slice(0, at))
  const c = format.codePointAt(at)
  if (c === undefined) return new FunctionError(`invalid format string starting at offset ${bytes}`)
  return new FunctionError(
    `unrecognized format character ${quoteRune(String.fromCodePoint(c))} at offset ${bytes}`,
  )
}

function formatVerb(verb: Verb, args: readonly Value[]): string {
  const value = args[verb.argument - 1]
  const where = (): string => `${quote(verb.raw)} at ${verb.offset()}`
  if (value === undefined) {
    throw new FunctionError(
      `not enough arguments for ${where()}: need index ${verb.argument} but have ${args.length} total`,
    )
  }
  const unsupported = (why: string): FunctionError =>
    new FunctionError(`unsupported value for ${where()}: ${why}`)
  if (verb.mode !== 'v' && isNull(value)) throw unsupported('null value cannot be formatted')
  const convert = (type: Type): Value => {
    try {
      return convertValue(value, type)
    } catch (e) {
      if (e instanceof ConversionError) throw unsupported(e.message)
      throw e
    }
  }
  switch (verb.mode) {
    case 'v':
      return pad(verb, asIs(verb, value, unsupported))
    case 't':
      return convert(boolType).content === true ? 'true' : 'false'
    case 'b':
    case 'd':
    case 'o':
    case 'x':
    case 'X': {
      const float = asFloat(convert(numberType))
      const whole = isIntegral(float) ? truncateFloat(float) : undefined
      if (whole === undefined) throw unsupported('an integer is required')
      return formatInteger(verb, whole)
    }
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return formatReal(verb, convert(numberType))
    case 's':
    case 'q': {
      const given = asText(convert(stringType))
      const cut = (verb.precision ?? 0) > 0 ? graphemes(given).slice(0, verb.precision).join('') : given
      return pad(verb, verb.mode === 's' ? cut : jsonString(cut))
    }
    default:
      throw new FunctionError(
        `unsupported format verb ${quoteRune(verb.mode)} in ${quote(verb.raw)} at offset ${verb.offset()}`,
      )
  }
}

function asIs(verb: Verb, value: Value, unsupported: (why: string) => FunctionError): string {
  if (!verb.flags.includes('#') && !isNull(value)) {
    if (value.type.kind === 'string') return asText(value)
    if (value.type.kind === 'number') return formatFloat(asFloat(value), 'g', -1)
  }
  try {
    return valueToJson(value)
  } catch (e) {
    if (e instanceof ConversionError) throw unsupported(e.message)
    throw e
  }
}

function pad(verb: Verb, given: string): string {
  const missing = (verb.width ?? 0) - countGraphemes(given)
  if (missing <= 0) return given
  const fill = (verb.flags.includes('0') ? '0' : ' ').repeat(missing)
  return verb.flags.includes('-') ? given + fill : fill + given
}

function sign(verb: Verb, negative: boolean): string {
  return negative ? '-' : verb.flags.includes('+') ? '+' : verb.flags.includes(' ') ? ' ' : ''
}

const bases: Readonly<Record<string, readonly [number, string]>> = {
  b: [2, '0b'],
  d: [10, ''],
  o: [8, '0'],
  x: [16, '0x'],
  X: [16, '0X'],
}

function formatInteger(verb: Verb, n: bigint): string {
  const [base, prefix] = bases[verb.mode] as readonly [number, string]
  const plain = (n < 0n ? -n : n).toString(base)
  const digits = verb.mode === 'X' ? plain.toUpperCase() : plain
  const head = sign(verb, n < 0n) + (verb.flags.includes('#') ? prefix : '')
  if (verb.precision === 0 && n === 0n) return ' '.repeat(verb.width ?? 0)
  const zeros = '0'.repeat(Math.max(0, (verb.precision ?? 0) - digits.length))
  const missing = Math.max(0, (verb.width ?? 0) - head.length - zeros.length - digits.length)
  if (verb.flags.includes('-')) return head + zeros + digits + ' '.repeat(missing)
  if (verb.flags.includes('0') && verb.precision === undefined)
    return head + '0'.repeat(missing) + zeros + digits
  return ' '.repeat(missing) + head + zeros + digits
}

function formatReal(verb: Verb, v: Value): string {
  const float = asFloat(v)
  const mode = verb.mode as FloatFormat
  const byDefault = mode === 'g' || mode === 'G' ? -1 : 6
  const body = formatFloat({ ...float, negative: false }, mode, verb.precision ?? byDefault).replace(
    /^\+/,
    '',
  )
  const head =
    float.form === 'infinite' && !float.negative
      ? sign({ ...verb, flags: verb.flags.includes(' ') ? ' ' : '+' }, false)
      : sign(verb, float.negative)
  const missing = Math.max(0, (verb.width ?? 0) - head.length - body.length)
  if (verb.flags.includes('0') && float.form !== 'infinite') return head + '0'.repeat(missing) + body
  return verb.flags.includes('-') ? head + body + ' '.repeat(missing) : ' '.repeat(missing) + head + body
}

const variadic = any('args', { allowNull: true })

const format: HclFunction = valueFunction({
  parameters: [text('format')],
  variadic,
  returns: stringType,
  call: ([f, ...args]) => stringValue(formatText(textArgument(f), args)),
})

const formatlist: HclFunction = valueFunction({
  parameters: [text('format')],
  variadic,
  returns: listType(stringType),
  call: ([f, ...args]) => {
    const layout = textArgument(f)
    let count = -1
    let chooser = -1
    for (const [i, v] of args.entries()) {
      if (isNull(v) || !isSequence(v.type)) continue
      const length = lengthOf(v)
      if (count >= 0 && length !== count) {
        throw new FunctionError(
          `argument ${i + 1} has length ${length}, which is inconsistent with argument ${chooser + 1} of length ${count}`,
          i + 1,
        )
      }
      if (count < 0) chooser = i
      count = length
    }
    const results: Value[] = []
    for (let row = 0; row < (count < 0 ? 1 : count); row++) {
      const rowArgs = args.map(v => (isNull(v) || !isSequence(v.type) ? v : (asArray(v)[row] as Value)))
      results.push(stringValue(formatRow(layout, rowArgs, row, args.length > 0)))
    }
    return listValue(results, stringType)
  },
})

function formatRow(layout: string, args: readonly Value[], row: number, wrap: boolean): string {
  try {
    return formatText(layout, args)
  } catch (e) {
    if (e instanceof FunctionError && wrap)
      throw new FunctionError(`error on format iteration ${row}: ${e.message}`)
    throw e
  }
}

/** Formatted text. */
export const formatFunctions: FunctionTable = { format, formatlist }
