import { type BigFloat, parseFloatText } from './big-float.ts'
import { collectionConversion } from './convert-collection.ts'
import { objectConversion, tupleConversion } from './convert-structure.ts'
import { numberText } from './format-float.ts'
import { mismatchMessage } from './mismatch.ts'
import { replaceDynamic } from './replace-dynamic.ts'
import { isPrimitive, sameType, type Type, withoutOptional } from './type.ts'
import {
  asText,
  boolValue,
  falseValue,
  isKnown,
  isNull,
  nullValue,
  numberValue,
  stringValue,
  trueValue,
  unknownValue,
  type Value,
} from './value.ts'

/** Turns a value of one type into one of another; throws a `ConversionError` when this very value cannot be turned. */
export type Conversion = (v: Value) => Value

/** Why a value could not be converted, in words that follow "Unsuitable value:". */
export class ConversionError extends Error {}

/** `v` as a value of the type, or a `ConversionError`. */
export function convertValue(v: Value, want: Type): Value {
  if (sameType(v.type, withoutOptional(want))) return v
  const conversion = conversionFor(v.type, want, true)
  if (conversion === undefined) throw new ConversionError(mismatchMessage(v.type, want))
  return conversion(v)
}

/**
 * The conversion between two types, `undefined` when there is none. Safe ones cannot fail on any value; `unsafe` adds
 * those that may, as string to number.
 */
export function conversionFor(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  const conversion = knownConversion(from, to, unsafe)
  if (conversion === undefined) return undefined
  return v => {
    if (to.kind === 'dynamic') return v
    if (!isKnown(v)) return unknownValue(replaceDynamic(v.type, withoutOptional(to)))
    if (isNull(v)) return nullValue(replaceDynamic(v.type, withoutOptional(to)))
    return conversion(v)
  }
}

function knownConversion(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  if (to.kind === 'dynamic') return v => v
  if (from.kind === 'dynamic') return unsafe ? v => convertValue(v, to) : undefined
  if (isPrimitive(from) && isPrimitive(to)) return primitiveConversion(from.kind, to.kind, unsafe)
  if (from.kind === 'object' && to.kind === 'object') return objectConversion(from, to, unsafe)
  if (from.kind === 'tuple' && to.kind === 'tuple') return tupleConversion(from, to, unsafe)
  return collectionConversion(from, to, unsafe)
}

function primitiveConversion(from: string, to: string, unsafe: boolean): Conversion | undefined {
  if (to === 'string' && from === 'number') return v => stringValue(numberText(v.content as BigFloat))
  if (to === 'string' && from === 'bool') return v => stringValue(v.content === true ? 'true' : 'false')
  if (!unsafe || from !== 'string') return undefined
  if (to === 'number') return v => numberFromText(asText(v))
  if (to === 'bool') return v => boolFromText(asText(v))
  return undefined
}

function numberFromText(text: string): Value {
  const number = parseFloatText(text)
  if (number === undefined) throw new ConversionError('a number is required')
  return numberValue(number)
}

function boolFromText(text: string): Value {
  if (text === 'true' || text === '1') return trueValue
  if (text === 'false' || text === '0') return falseValue
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'false') {
    throw new ConversionError(`a bool is required; to convert from string, use lowercase "${lower}"`)
  }
  throw new ConversionError('a bool is required')
}

/** Whether a known value of a type that converts to bool is true. */
export function truth(v: Value): boolean {
  return boolValue(convertValue(v, { kind: 'bool' }).content === true).content === true
}
