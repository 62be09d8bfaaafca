import { type Conversion, ConversionError, conversionFor } from './convert.ts'
import { plainNull } from './convert-structure.ts'
import { mismatchMessage } from './mismatch.ts'
import { setValue } from './set-value.ts'
import {
  type CollectionType,
  isCollection,
  type ObjectType,
  sameType,
  type Type,
  withoutOptional,
} from './type.ts'
import { unifyTypes } from './unify.ts'
import {
  asArray,
  asMap,
  isKnown,
  listValue,
  lengthOf,
  mapValue,
  nullValue,
  objectValue,
  type Value,
} from './value.ts'

/** Conversions that have a collection on at least one side. */
export function collectionConversion(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  if (to.kind === 'list' || to.kind === 'set') {
    if (from.kind === 'list' || from.kind === 'set') {
      if (to.kind === 'set' && from.kind === 'list' && !unsafe) return undefined
      return sequenceToSequence(from, to, unsafe)
    }
    return from.kind === 'tuple' ? tupleToSequence(from.elements, to, unsafe) : undefined
  }
  if (to.kind === 'map') {
    if (from.kind === 'map') return mapToMap(from, to, unsafe)
    return from.kind === 'object' ? objectToMap(from, to, unsafe) : undefined
  }
  if (to.kind === 'object' && from.kind === 'map') return unsafe ? mapToObject(from, to) : undefined
  return undefined
}

function sequenceToSequence(
  from: CollectionType,
  to: CollectionType,
  unsafe: boolean,
): Conversion | undefined {
  const conversion = sameType(from.element, to.element)
    ? null
    : conversionFor(from.element, to.element, unsafe)
  if (conversion === undefined) return undefined
  return v => {
    const elements = asArray(v).map(e => plainNull(conversion === null ? e : conversion(e)))
    return sequence(to.kind, elements, to.element.kind === 'dynamic' ? from.element : to.element)
  }
}

function tupleToSequence(
  types: readonly Type[],
  to: CollectionType,
  unsafe: boolean,
): Conversion | undefined {
  if (types.length === 0) return () => sequence(to.kind, [], to.element)
  let element = to.element
  if (element.kind === 'dynamic') {
    const common = unifyTypes(types, unsafe)
    if (common === undefined) return undefined
    element = common.type
    if (element.kind === 'dynamic' && types.some(t => t.kind !== 'dynamic')) return undefined
  }
  const conversions: (Conversion | null)[] = []
  for (const type of types) {
    const conversion = sameType(type, element) ? null : conversionFor(type, element, unsafe)
    if (conversion === undefined) return undefined
    conversions.push(conversion)
  }
  return v => {
    const elements = asArray(v).map((e, i) => plainNull(conversions[i]?.(e) ?? e))
    return sequence(to.kind, to.kind === 'list' ? alike(elements, unsafe) : elements, element)
  }
}

function sequence(kind: CollectionType['kind'], elements: readonly Value[], element: Type): Value {
  const type = elements.length === 0 ? withoutOptional(element) : (elements[0] as Value).type
  if (elements.some(e => !sameType(e.type, type))) {
    throw new ConversionError(`element types must all match for conversion to ${kind}`)
  }
  return kind === 'list' ? listValue(elements, type) : setValue(elements, type)
}

/** The values brought to their common type. */
function alike(values: readonly Value[], unsafe: boolean): readonly Value[] {
  const first = values[0]
  if (first === undefined || values.every(v => sameType(v.type, first.type))) return values
  const common = unifyTypes(
    values.map(v => v.type),
    unsafe,
  )
  if (common === undefined) throw new ConversionError('cannot find a common base type for all elements')
  return values.map(v =>
    sameType(v.type, common.type) ? v : (conversionFor(v.type, common.type, unsafe)?.(v) ?? v),
  )
}

function mapToMap(from: CollectionType, to: CollectionType, unsafe: boolean): Conversion | undefined {
  const conversion = conversionFor(from.element, to.element, unsafe)
  if (conversion === undefined) return undefined
  return v => {
    const entries = new Map([...asMap(v)].map(([k, e]) => [k, conversion(e)]))
    return mapOf(entries, to.element.kind === 'dynamic' ? from.element : to.element, 'element', false)
  }
}

function objectToMap(from: ObjectType, to: CollectionType, unsafe: boolean): Conversion | undefined {
  const types = [...from.attributes.values()]
  if (types.length === 0) return () => mapValue(new Map(), withoutOptional(to.element))
  let element = to.element
  if (element.kind === 'dynamic') {
    const common = unifyTypes(types, unsafe)
    if (common === undefined) return undefined
    element = common.type
  }
  const conversions = new Map<string, Conversion | null>()
  for (const [name, type] of from.attributes) {
    const conversion = sameType(type, element) ? null : conversionFor(type, element, unsafe)
    if (conversion === undefined) return undefined
    conversions.set(name, conversion)
  }
  return v => {
    const entries = new Map([...asMap(v)].map(([k, e]) => [k, conversions.get(k)?.(e) ?? e]))
    return mapOf(entries, element, 'attribute', unsafe)
  }
}

function mapOf(entries: Map<string, Value>, element: Type, noun: string, unsafe: boolean): Value {
  if (entries.size === 0) return mapValue(entries, withoutOptional(element))
  const keys = [...entries.keys()]
  let values: readonly Value[] = [...entries.values()]
  if (isCollection(element) || element.kind === 'object') values = alike(values, unsafe)
  const type = (values[0] as Value).type
  if (values.some(v => !sameType(v.type, type))) {
    throw new ConversionError(`${noun} types must all match for conversion to map`)
  }
  return mapValue(new Map(keys.map((k, i) => [k, values[i] as Value])), type)
}

function mapToObject(from: CollectionType, to: ObjectType): Conversion | undefined {
  const conversions = new Map<string, Conversion | null | undefined>()
  for (const [name, want] of to.attributes) {
    const conversion = sameType(want, from.element) ? null : conversionFor(from.element, want, true)
    if (conversion === undefined && !to.optional.has(name)) return undefined
    conversions.set(name, conversion)
  }
  return v => {
    const attributes = new Map<string, Value>()
    for (const [name, value] of asMap(v)) {
      if (!to.attributes.has(name)) continue
      const conversion = conversions.get(name)
      if (conversion === undefined) {
        const why = mismatchMessage(value.type, to.attributes.get(name) as Type)
        throw new ConversionError(
          `map element type is incompatible with attribute ${JSON.stringify(name)}: ${why}`,
        )
      }
      attributes.set(name, plainNull(conversion === null ? value : conversion(value)))
    }
    for (const [name, type] of to.attributes) {
      if (attributes.has(name)) continue
      if (!to.optional.has(name)) {
        throw new ConversionError(`map has no element for required attribute ${JSON.stringify(name)}`)
      }
      attributes.set(name, nullValue(type))
    }
    return objectValue(attributes)
  }
}

/** How many elements a known sequence or mapping has, 0 for anything else. */
export function sizeOf(v: Value): number {
  return isKnown(v) && (Array.isArray(v.content) || v.content instanceof Map) ? lengthOf(v) : 0
}
