import type { Diagnostics } from '../diagnostic.ts'
import type { Range } from '../position.ts'
import type { TraversalStep } from '../syntax/expression.ts'
import { compareFloats, floatFromInteger, isIntegral, truncateFloat } from '../value/big-float.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { numberType, stringType, type Type } from '../value/type.ts'
import { typeName } from '../value/type-name.ts'
import {
  asArray,
  asFloat,
  asMap,
  asText,
  dynamicValue,
  isKnown,
  isNull,
  lengthOf,
  unknownValue,
  type Value,
} from '../value/value.ts'

/** Follows the steps into a value; the first that fails is reported and makes the result unknown. */
export function traverse(from: Value, steps: readonly TraversalStep[], diagnostics: Diagnostics): Value {
  let value = from
  for (const step of steps) {
    const before = diagnostics.length
    if (step.kind === 'attribute') value = getAttribute(value, step.name, step.range, diagnostics)
    else if (step.kind === 'index') value = indexValue(value, step.key, step.range, diagnostics)
    if (diagnostics.length > before) return dynamicValue
  }
  return value
}

/** `object.name`. */
export function getAttribute(object: Value, name: string, subject: Range, diagnostics: Diagnostics): Value {
  const fail = (summary: string, detail: string): Value => {
    diagnostics.push({ summary, detail, subject })
    return dynamicValue
  }
  const unsupported = (detail: string): Value => fail('Unsupported attribute', detail)
  if (isNull(object))
    return fail(
      'Attempt to get attribute from null value',
      'This value is null, so it does not have any attributes.',
    )
  const { type } = object
  switch (type.kind) {
    case 'object': {
      const attribute = type.attributes.get(name)
      if (attribute === undefined)
        return unsupported(`This object does not have an attribute named ${goQuote(name)}.`)
      return isKnown(object) ? (asMap(object).get(name) as Value) : unknownValue(attribute)
    }
    case 'map': {
      if (!isKnown(object)) return unknownValue(type.element)
      const element = asMap(object).get(name)
      return (
        element ??
        fail('Missing map element', `This map does not have an element with the key ${goQuote(name)}.`)
      )
    }
    case 'dynamic':
      return dynamicValue
    case 'list':
    case 'set':
      if (type.element.kind === 'object') return unsupported(attributeOfMany(type.kind, type.element, name))
      return unsupported('This value does not have any attributes.')
    case 'string':
    case 'number':
    case 'bool':
      return unsupported(`Can't access attributes on a primitive-typed value (${typeName(type)}).`)
    default:
      return unsupported('This value does not have any attributes.')
  }
}

function attributeOfMany(kind: 'list' | 'set', element: Type & { kind: 'object' }, name: string): string {
  const start = `Can't access attributes on a ${kind} of objects. Did you mean to access`
  if (kind === 'set') return `${start} an attribute across all elements of the set?`
  const which = element.attributes.has(name) ? `attribute ${goQuote(name)}` : 'an attribute'
  return `${start} ${which} for a specific element of the list, or across all elements of the list?`
}

const noElement = 'The given key does not identify an element in this collection value'

/** `collection[key]`. */
export function indexValue(collection: Value, key: Value, subject: Range, diagnostics: Diagnostics): Value {
  const fail = (detail: string, summary = 'Invalid index'): Value => {
    diagnostics.push({ summary, detail, subject })
    return dynamicValue
  }
  if (isNull(collection))
    return fail('This value is null, so it does not have any indices.', 'Attempt to index null value')
  if (isNull(key)) return fail("Can't use a null value as an indexing key.")
  const { type } = collection
  if (type.kind === 'dynamic' || key.type.kind === 'dynamic') return dynamicValue
  if (type.kind === 'set') {
    return fail(
      "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.",
    )
  }
  if (type.kind !== 'list' && type.kind !== 'tuple' && type.kind !== 'map' && type.kind !== 'object') {
    return fail('This value does not have any indices.')
  }
  let converted: Value
  try {
    converted = convertValue(key, type.kind === 'list' || type.kind === 'tuple' ? numberType : stringType)
  } catch (e) {
    if (!(e instanceof ConversionError)) throw e
    return fail(`${noElement}: ${e.message}.`)
  }
  if (!isKnown(converted) || !isKnown(collection)) return unknownElement(type, converted)
  if (type.kind === 'list' || type.kind === 'tuple') {
    const problem = sequenceIndexProblem(collection, converted)
    if (problem !== undefined) return fail(problem === '' ? `${noElement}.` : `${noElement}: ${problem}.`)
    return asArray(collection)[Number(truncateFloat(asFloat(converted)))] as Value
  }
  const element = asMap(collection).get(asText(converted))
  if (element !== undefined) return element
  const byNumber = type.kind === 'object' && key.type.kind === 'number'
  const hint = byNumber ? ' An object only supports looking up attributes by name, not by numeric index.' : ''
  return fail(`${noElement}.${hint}`)
}

function unknownElement(type: Type, key: Value): Value {
  if (type.kind === 'list' || type.kind === 'map') return unknownValue(type.element)
  if (type.kind === 'object' && isKnown(key))
    return unknownValue(type.attributes.get(asText(key)) ?? { kind: 'dynamic' })
  return dynamicValue
}

/** Why a number is no index of a sequence; empty when that goes without saying. */
function sequenceIndexProblem(collection: Value, key: Value): string | undefined {
  const index = asFloat(key)
  if (!isIntegral(index))
    return 'indexing a sequence requires a whole number, but the given index has a fractional part'
  if (index.negative && index.form !== 'zero') return 'a negative number is not a valid index for a sequence'
  const length = lengthOf(collection)
  const beyond = compareFloats(index, floatFromInteger(length))
  if (beyond < 0) return undefined
  if (beyond > 0) return ''
  if (length === 0) return 'the collection has no elements'
  return 'the given index is greater than or equal to the length of the collection'
}
