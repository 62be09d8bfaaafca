import { SlipwayError } from '../errors/slipway-error.ts'
import type { JsonNode } from './parse-json.ts'

// Values of JSON in the fields of a Go structure, as encoding/json puts them there, with its words for what does not fit:
// https://github.com/golang/go/blob/go1.25.0/src/encoding/json/decode.go

/** A value on its way, the names that led to it, and the structure whose field it is. */
export interface JsonPlace {
  readonly node: JsonNode
  readonly path: readonly string[]
  readonly owner: string
  /** Types that do not fit are said at the end: a broken enumeration comes before them. */
  refuse(error: SlipwayError): void
}

/** Reads a value; throws the first of what does not fit when all is read, as Go does, or what `read` throws. */
export function unmarshal<T>(node: JsonNode, read: (place: JsonPlace) => T): T {
  const errors: SlipwayError[] = []
  const value = read({ node, path: [], owner: '', refuse: error => errors.push(error) })
  if (errors[0] !== undefined) throw errors[0]
  return value
}

/**
 * Hands the members of an object to the fields they belong to: names count in any case, unknown ones are passed over.
 * `owner` is the structure's name, `type` that of a value of it; `embedded` the structure inside it that has the fields.
 */
export function eachField(
  place: JsonPlace,
  names: { readonly owner: string; readonly type: string; readonly embedded?: string },
  fields: Readonly<Record<string, (at: JsonPlace) => unknown>>,
): void {
  const { node } = place
  const { owner, type, embedded } = names
  if (node.kind !== 'object') return mismatch(place, type)
  const above = embedded === undefined ? place.path : [...place.path, embedded]
  for (const [key, member] of node.members) {
    const isNamed = (name: string): boolean => name.toLowerCase() === key.toLowerCase()
    const name = Object.hasOwn(fields, key) ? key : Object.keys(fields).find(isNamed)
    if (name !== undefined) fields[name]?.({ ...place, node: member, owner, path: [...above, name] })
  }
}

/** The elements of an array; none where there is no array. */
export function list<T>(place: JsonPlace, type: string, read: (at: JsonPlace) => T): T[] {
  const { node } = place
  if (node.kind === 'array') return node.items.map(item => read({ ...place, node: item }))
  mismatch(place, type)
  return []
}

/** A text; undefined for anything else, null among it. */
export function string(place: JsonPlace): string | undefined {
  if (place.node.kind === 'string') return place.node.text.toWellFormed()
  mismatch(place, 'string')
  return undefined
}

/** A 64-bit integer, written as one; undefined for anything else. */
export function integer(place: JsonPlace): bigint | undefined {
  const { node } = place
  const value = node.kind === 'number' && /^-?\d+$/.test(node.raw) ? BigInt(node.raw) : undefined
  if (value !== undefined && BigInt.asIntN(64, value) === value) return value
  mismatch(place, 'int64', node.kind === 'number' ? `number ${node.raw}` : node.kind)
  return undefined
}

/** Notes that a value is not of the type; nothing happens to a value that null is given to. */
export function mismatch(place: JsonPlace, type: string, what: string = place.node.kind): void {
  if (place.node.kind === 'null') return
  const into =
    place.path.length === 0
      ? `Go value of type ${type}`
      : `Go struct field ${place.owner}.${place.path.join('.')} of type ${type}`
  const message = `json: cannot unmarshal ${what} into ${into}`
  place.refuse(new SlipwayError('invalid-argument', message))
}
