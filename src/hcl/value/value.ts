import { type BigFloat, floatFromInteger } from './big-float.ts'
import { compareText } from './compare-text.ts'
import { limitError } from './limit.ts'
import {
  boolType,
  type CollectionType,
  dynamicType,
  listType,
  mapType,
  numberType,
  objectType,
  stringType,
  type Type,
  tupleType,
} from './type.ts'

/** The content of a value that is not known yet. */
export const unknown: unique symbol = Symbol('unknown')

/** What a value holds: `null`, `unknown`, or what its type says (arrays for sequences, key-sorted maps for the rest). */
export type Content =
  | null
  | typeof unknown
  | string
  | boolean
  | BigFloat
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | Capsule

/** A typed, immutable HCL value. */
export interface Value {
  readonly type: Type
  readonly content: Content
}

/** The content of a capsule value. */
export interface Capsule {
  readonly capsule: unknown
}

/** The longest string an evaluation may build, in UTF-16 units; more is refused instead of filling the memory. */
export const maxStringLength = 16 * 1024 * 1024

/** `null` of a type. */
export function nullValue(type: Type): Value {
  return { type, content: null }
}

/** A value of the type about which nothing else is known. */
export function unknownValue(type: Type): Value {
  return { type, content: unknown }
}

/** The value of which not even the type is known. */
export const dynamicValue: Value = unknownValue(dynamicType)
/** The literal `null`. */
export const nullDynamic: Value = nullValue(dynamicType)
/** `true`. */
export const trueValue: Value = { type: boolType, content: true }
/** `false`. */
export const falseValue: Value = { type: boolType, content: false }

/** A string in Unicode normalisation form C. Throws a `LimitError` past `maxStringLength`. */
export function stringValue(text: string): Value {
  if (text.length > maxStringLength) throw limitError(`a string of more than ${maxStringLength} characters`)
  return { type: stringType, content: text.normalize('NFC') }
}

/** `true` or `false`. */
export function boolValue(b: boolean): Value {
  return b ? trueValue : falseValue
}

/** A number. */
export function numberValue(number: BigFloat): Value {
  return { type: numberType, content: number }
}

/** A whole number, of 64 bits where that is enough. */
export function integerValue(n: number | bigint): Value {
  return numberValue(floatFromInteger(n))
}

/** A list whose elements are all of `element`; the type of the first element is taken when none is given. */
export function listValue(
  elements: readonly Value[],
  element: Type = elements[0]?.type ?? dynamicType,
): Value {
  return { type: listType(element), content: elements }
}

/** A tuple of the values. */
export function tupleValue(elements: readonly Value[]): Value {
  return { type: tupleType(elements.map(e => e.type)), content: elements }
}

/** A map whose values are all of `element`; the type of the first is taken when none is given. */
export function mapValue(entries: ReadonlyMap<string, Value>, element?: Type): Value {
  const type = element ?? entries.values().next().value?.type ?? dynamicType
  return { type: mapType(type), content: sorted(entries) }
}

/** An object with the given attributes. */
export function objectValue(entries: ReadonlyMap<string, Value>): Value {
  const content = sorted(entries)
  return { type: objectType(new Map([...content].map(([name, v]) => [name, v.type]))), content }
}

/** A value of a capsule type. */
export function capsuleValue(type: Type, inner: unknown): Value {
  return { type, content: { capsule: inner } }
}

function sorted(entries: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  const normal = [...entries].map(([k, v]): [string, Value] => [k.normalize('NFC'), v])
  return new Map(normal.sort((a, b) => compareText(a[0], b[0])))
}

/** Tells whether the value is `null`. */
export function isNull(v: Value): boolean {
  return v.content === null
}

/** Tells whether the value itself is known; its elements need not be. */
export function isKnown(v: Value): boolean {
  return v.content !== unknown
}

/** Tells whether the value and everything in it is known. */
export function isWhollyKnown(v: Value): boolean {
  if (v.content === unknown) return false
  if (Array.isArray(v.content)) return v.content.every(isWhollyKnown)
  if (v.content instanceof Map) return [...v.content.values()].every(isWhollyKnown)
  return true
}

/** The text of a known, non-null string. */
export function asText(v: Value): string {
  if (typeof v.content !== 'string') throw new TypeError('not a string')
  return v.content
}

/** The number of a known, non-null number. */
export function asFloat(v: Value): BigFloat {
  if (v.type.kind !== 'number' || v.content === null || v.content === unknown)
    throw new TypeError('not a number')
  return v.content as BigFloat
}

/** The elements of a known, non-null list, set or tuple, in its order. */
export function asArray(v: Value): readonly Value[] {
  if (!Array.isArray(v.content)) throw new TypeError('not a sequence')
  return v.content as readonly Value[]
}

/** The entries of a known, non-null map or object, sorted by key. */
export function asMap(v: Value): ReadonlyMap<string, Value> {
  if (!(v.content instanceof Map)) throw new TypeError('not a mapping')
  return v.content as ReadonlyMap<string, Value>
}

/** What a capsule value holds. */
export function asCapsule(v: Value): unknown {
  return (v.content as Capsule).capsule
}

/** Tells whether the value has elements to go over: a known, non-null collection, tuple or object. */
export function canIterate(v: Value): boolean {
  return Array.isArray(v.content) || v.content instanceof Map
}

/** Keys and elements in order: numbers for lists and tuples, strings for maps and objects, the element itself for sets. */
export function* entriesOf(v: Value): Generator<readonly [Value, Value]> {
  if (v.content instanceof Map) {
    for (const [k, e] of asMap(v)) yield [{ type: stringType, content: k }, e]
    return
  }
  let i = 0
  for (const e of asArray(v)) yield [v.type.kind === 'set' ? e : integerValue(i++), e]
}

/** How many elements a known, non-null collection, tuple or object has. */
export function lengthOf(v: Value): number {
  return v.content instanceof Map ? v.content.size : asArray(v).length
}

/** The element type of a list, set or map. */
export function elementType(v: Value): Type {
  return (v.type as CollectionType).element
}
