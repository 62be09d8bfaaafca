import type { Diagnostics } from './diagnostic.ts'
import { keywordOf, type StaticCall, staticCall, staticList, staticMap } from './eval/static.ts'
import type { Expression } from './expression.ts'
import { type Range, rangeBetween } from './position.ts'
import { quote as goQuote } from '../gostd/quote.ts'
import {
  boolType,
  dynamicType,
  listType,
  mapType,
  numberType,
  objectType,
  setType,
  stringType,
  type Type,
  tupleType,
} from './value/type.ts'

const summary = 'Invalid type specification'
const words: Readonly<Record<string, Type>> = {
  bool: boolType,
  string: stringType,
  number: numberType,
  any: dynamicType,
}
const arguments_: Readonly<Record<string, string>> = {
  list: 'the element type',
  map: 'the element type',
  set: 'the element type',
  object: 'the attribute types and values as a map',
  tuple: 'the element types as a list',
}

/**
 * The type that an expression such as `list(string)` or `object({a = optional(number)})` spells out; what it spells
 * wrong is reported and taken as `any` (https://github.com/hashicorp/hcl/tree/v2.24.0/ext/typeexpr).
 */
export function typeConstraint(e: Expression, diagnostics: Diagnostics): Type {
  const word = keywordOf(e)
  if (word !== undefined) {
    if (Object.hasOwn(words, word)) return words[word] as Type
    const detail = Object.hasOwn(arguments_, word)
      ? requires(word)
      : `The keyword ${goQuote(word)} is not a valid type specification.`
    return invalid(detail, e.range, diagnostics)
  }
  const call = staticCall(e)
  if (call === undefined) {
    const detail =
      'A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).'
    return invalid(detail, e.range, diagnostics)
  }
  return constructedType(e, call, diagnostics)
}

function requires(word: string): string {
  return `The ${word} type constructor requires one argument specifying ${arguments_[word]}.`
}

function invalid(detail: string, subject: Range, diagnostics: Diagnostics, context?: Range): Type {
  diagnostics.push({ summary, detail, subject, ...(context === undefined ? {} : { context }) })
  return dynamicType
}

function constructedType(e: Expression, call: StaticCall, diagnostics: Diagnostics): Type {
  if (Object.hasOwn(words, call.name)) {
    const what = call.name === 'any' ? 'Type constraint' : 'Primitive type'
    return invalid(
      `${what} keyword ${goQuote(call.name)} does not expect arguments.`,
      call.argsRange,
      diagnostics,
    )
  }
  const [first, second] = call.args
  if (Object.hasOwn(arguments_, call.name) && (first === undefined || second !== undefined)) {
    const last = call.args.at(-1)
    const subject =
      second === undefined || last === undefined ? call.argsRange : rangeBetween(second.range, last.range)
    return invalid(requires(call.name), subject, diagnostics, call.argsRange)
  }
  if (first !== undefined) {
    if (call.name === 'list') return listType(typeConstraint(first, diagnostics))
    if (call.name === 'set') return setType(typeConstraint(first, diagnostics))
    if (call.name === 'map') return mapType(typeConstraint(first, diagnostics))
    if (call.name === 'object') return objectConstraint(first, e, diagnostics)
    if (call.name === 'tuple') return tupleConstraint(first, e, diagnostics)
  }
  if (call.name === 'optional') {
    const detail = `Keyword ${goQuote(call.name)} is valid only as a modifier for object type attributes.`
    return invalid(detail, call.nameRange, diagnostics)
  }
  return invalid(`Keyword ${goQuote(call.name)} is not a valid type constructor.`, e.range, diagnostics)
}

function tupleConstraint(argument: Expression, whole: Expression, diagnostics: Diagnostics): Type {
  const elements = staticList(argument, [])
  if (elements !== undefined) return tupleType(elements.map(e => typeConstraint(e, diagnostics)))
  return invalid(
    'Tuple type constructor requires a list of element types.',
    argument.range,
    diagnostics,
    whole.range,
  )
}

function objectConstraint(argument: Expression, whole: Expression, diagnostics: Diagnostics): Type {
  const items = staticMap(argument)
  if (items === undefined) {
    const detail =
      'Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.'
    return invalid(detail, argument.range, diagnostics, whole.range)
  }
  const attributes = new Map<string, Type>()
  const optional = new Set<string>()
  for (const { key, value } of items) {
    const name = keywordOf(key)
    if (name === undefined || attributes.has(name)) {
      const detail = `Object constructor map keys must be ${name === undefined ? 'attribute names' : 'unique'}.`
      invalid(detail, key.range, diagnostics, whole.range)
      continue
    }
    const inner = optionalType(name, value, optional, diagnostics)
    if (inner !== undefined) attributes.set(name, typeConstraint(inner, diagnostics))
  }
  return objectType(attributes, optional)
}

/** The type inside `optional(…)`, the expression itself when it is not optional, nothing for a bare `optional()`. */
function optionalType(
  name: string,
  e: Expression,
  optional: Set<string>,
  diagnostics: Diagnostics,
): Expression | undefined {
  const call = staticCall(e)
  if (call?.name !== 'optional') return e
  const [type] = call.args
  if (type === undefined) {
    invalid(
      'Optional attribute modifier requires the attribute type as its argument.',
      call.argsRange,
      diagnostics,
      e.range,
    )
    return undefined
  }
  if (call.args.length === 1) optional.add(name)
  else
    invalid(
      'Optional attribute modifier expects only one argument: the attribute type.',
      call.argsRange,
      diagnostics,
      e.range,
    )
  return type
}
