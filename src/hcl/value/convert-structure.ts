import { type Conversion, conversionFor } from './convert.ts'
import { type ObjectType, sameType, type TupleType, type Type, withoutOptional } from './type.ts'
import { asArray, asMap, isNull, nullValue, objectValue, tupleValue, type Value } from './value.ts'

/** Object to object: attributes the target lacks are dropped, optional ones the source lacks become null. */
export function objectConversion(from: ObjectType, to: ObjectType, unsafe: boolean): Conversion | undefined {
  const conversions = new Map<string, Conversion | null>()
  for (const [name, want] of to.attributes) {
    const got = from.attributes.get(name)
    if (got === undefined) {
      if (to.optional.has(name)) continue
      return undefined
    }
    const conversion = sameType(got, want) ? null : conversionFor(got, want, unsafe)
    if (conversion === undefined) return undefined
    conversions.set(name, conversion)
  }
  return v => {
    const attributes = new Map<string, Value>()
    for (const [name, value] of asMap(v)) {
      const conversion = conversions.get(name)
      if (conversion === undefined) continue
      attributes.set(name, plainNull(conversion === null ? value : conversion(value)))
    }
    for (const name of to.optional) {
      if (!attributes.has(name))
        attributes.set(name, nullValue(withoutOptional(to.attributes.get(name) as Type)))
    }
    return objectValue(attributes)
  }
}

/** Tuple to tuple of the same length, element by element. */
export function tupleConversion(from: TupleType, to: TupleType, unsafe: boolean): Conversion | undefined {
  if (from.elements.length !== to.elements.length) return undefined
  const conversions: (Conversion | null)[] = []
  for (const [i, want] of to.elements.entries()) {
    const got = from.elements[i] as Type
    const conversion = sameType(got, want) ? null : conversionFor(got, want, unsafe)
    if (conversion === undefined) return undefined
    conversions.push(conversion)
  }
  return v => tupleValue(asArray(v).map((e, i) => conversions[i]?.(e) ?? e))
}

/** The value itself, or for a null the null of its type without optional marks. */
export function plainNull(v: Value): Value {
  return isNull(v) ? nullValue(withoutOptional(v.type)) : v
}
