import type { JsonValue } from '../gostd/json.ts'

/**
 * Values as Go templates see them: an object stands for a struct with Go's field names, a `Map` for a map. A struct that
 * JSON spells in another way carries that spelling with it.
 */
const asJson = Symbol('json')

/**
 * A struct of the given Go type name, fields and JSON. `promoted` are methods and the fields of embedded structs: found
 * by name, but not printed.
 */
export function goStruct(
  type: string,
  fields: Readonly<Record<string, unknown>>,
  json: () => JsonValue,
  promoted: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return Object.defineProperties(
    { ...fields },
    {
      ...Object.fromEntries(Object.entries(promoted).map(([name, value]) => [name, { value }])),
      [asJson]: { value: json },
      [Symbol.toStringTag]: { value: type },
    },
  )
}

/** Any decoded JSON as Go's `any`: objects are maps, and null is what prints as `<no value>`. */
export function goAny(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(goAny)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, goAny(inner)]))
}

/** A map with its keys sorted by bytes, as Go prints and marshals them. */
export function goMap<T>(entries: Iterable<readonly [string, T]>): ReadonlyMap<string, T> {
  return new Map([...entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
}

/** The JSON of any value of a template. */
export function toJson(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toJson)
  if (value instanceof Map) {
    return goMap([...value].map(([key, inner]) => [String(key), toJson(inner)]))
  }
  if (typeof value === 'object' && value !== null && asJson in value) {
    return (value as { readonly [asJson]: () => JsonValue })[asJson]()
  }
  if (value === undefined || typeof value === 'function') return null
  return value as JsonValue
}
