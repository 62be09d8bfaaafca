/** A type of the HCL value system; the model is that of https://github.com/zclconf/go-cty/blob/v1.16.2/docs/types.md. */
export type Type = PrimitiveType | DynamicType | CollectionType | ObjectType | TupleType | CapsuleType

/** `string`, `number` or `bool`. */
export interface PrimitiveType {
  readonly kind: 'string' | 'number' | 'bool'
}

/** Any type at all: the constraint `any`, and the type of a literal `null`. */
export interface DynamicType {
  readonly kind: 'dynamic'
}

/** A sequence, set or string-keyed map whose elements share one type. */
export interface CollectionType {
  readonly kind: 'list' | 'set' | 'map'
  readonly element: Type
}

/** Named attributes, each of its own type; `optional` lists those a conversion may fill with null. */
export interface ObjectType {
  readonly kind: 'object'
  readonly attributes: ReadonlyMap<string, Type>
  readonly optional: ReadonlySet<string>
}

/** A fixed number of elements, each of its own type. */
export interface TupleType {
  readonly kind: 'tuple'
  readonly elements: readonly Type[]
}

/** A host value that HCL passes around without looking into it. */
export interface CapsuleType {
  readonly kind: 'capsule'
  readonly name: string
}

/** The type of text. */
export const stringType: PrimitiveType = { kind: 'string' }
/** The type of numbers (512-bit binary floats). */
export const numberType: PrimitiveType = { kind: 'number' }
/** The type of `true` and `false`. */
export const boolType: PrimitiveType = { kind: 'bool' }
/** The type that stands for every type. */
export const dynamicType: DynamicType = { kind: 'dynamic' }
const none: ReadonlySet<string> = new Set()

/** `list(element)`. */
export function listType(element: Type): CollectionType {
  return { kind: 'list', element }
}

/** `set(element)`. */
export function setType(element: Type): CollectionType {
  return { kind: 'set', element }
}

/** `map(element)`. */
export function mapType(element: Type): CollectionType {
  return { kind: 'map', element }
}

/** `tuple([…])`. */
export function tupleType(elements: readonly Type[]): TupleType {
  return { kind: 'tuple', elements }
}

/** `object({…})`; attributes named in `optional` may be absent from what is converted to it. */
export function objectType(
  attributes: ReadonlyMap<string, Type>,
  optional: ReadonlySet<string> = none,
): ObjectType {
  return { kind: 'object', attributes, optional }
}

/** Tells whether two types are the same, optional attribute marks included. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'list':
    case 'set':
    case 'map':
      return sameType(a.element, (b as CollectionType).element)
    case 'tuple': {
      const other = (b as TupleType).elements
      return a.elements.length === other.length && a.elements.every((e, i) => sameType(e, other[i] as Type))
    }
    case 'object': {
      const other = b as ObjectType
      if (a.attributes.size !== other.attributes.size || a.optional.size !== other.optional.size) return false
      for (const [name, type] of a.attributes) {
        const theirs = other.attributes.get(name)
        if (theirs === undefined || !sameType(type, theirs)) return false
        if (a.optional.has(name) !== other.optional.has(name)) return false
      }
      return true
    }
    case 'capsule':
      return false
    default:
      return true
  }
}

/** Tells whether `dynamic` occurs anywhere in the type. */
export function hasDynamic(type: Type): boolean {
  switch (type.kind) {
    case 'dynamic':
      return true
    case 'list':
    case 'set':
    case 'map':
      return hasDynamic(type.element)
    case 'tuple':
      return type.elements.some(hasDynamic)
    case 'object':
      return [...type.attributes.values()].some(hasDynamic)
    default:
      return false
  }
}

/** The type with no attribute marked optional at any depth: what values have, as opposed to constraints. */
export function withoutOptional(type: Type): Type {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map': {
      const element = withoutOptional(type.element)
      return element === type.element ? type : { kind: type.kind, element }
    }
    case 'tuple':
      return type.elements.length === 0 ? type : tupleType(type.elements.map(withoutOptional))
    case 'object':
      return objectType(new Map([...type.attributes].map(([name, t]) => [name, withoutOptional(t)])))
    default:
      return type
  }
}

/** `string`, `number` and `bool`. */
export function isPrimitive(type: Type): type is PrimitiveType {
  return type.kind === 'string' || type.kind === 'number' || type.kind === 'bool'
}

/** Lists, sets and maps. */
export function isCollection(type: Type): type is CollectionType {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map'
}

/** Lists, sets and tuples: what splat and expansion take element by element. */
export function isSequence(type: Type): boolean {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'tuple'
}
