import { type Conversion, conversionFor } from './convert.ts'
import { preferenceOrder } from './prefer-type.ts'
import {
  type CollectionType,
  listType,
  mapType,
  type ObjectType,
  objectType,
  sameType,
  type TupleType,
  type Type,
  tupleType,
} from './type.ts'
import { dynamicValue } from './value.ts'

/** A type that several types convert to, with the conversion of each (`null` where none is needed). */
export interface Unified {
  readonly type: Type
  readonly conversions: readonly (Conversion | null)[]
}

/** The most useful common type of the given ones, `undefined` when there is none (or no type at all was given). */
export function unifyTypes(types: readonly Type[], unsafe: boolean): Unified | undefined {
  if (types.length === 0) return undefined
  const first = types[0] as Type
  if (first.kind !== 'dynamic' && types.every(t => sameType(t, first))) {
    return { type: first, conversions: types.map(() => null) }
  }
  const special = unifyByKind(types, unsafe)
  if (special !== 'none') return special
  for (const preferred of preferenceOrder(types)) {
    const unified = allTo(types, types[preferred] as Type, unsafe, preferred)
    if (unified !== undefined) return unified
  }
  return undefined
}

function unifyByKind(types: readonly Type[], unsafe: boolean): Unified | undefined | 'none' {
  const count = (kind: Type['kind']): number => types.filter(t => t.kind === kind).length
  const dynamic = count('dynamic')
  const only = (...kinds: Type['kind'][]): boolean => {
    const present = kinds.map(count)
    return (present[0] as number) > 0 && present.reduce((a, b) => a + b, dynamic) === types.length
  }
  for (const kind of ['map', 'list', 'set'] as const) {
    if (only(kind))
      return dynamic > 0 ? asDynamic(types) : unifyCollections(types as CollectionType[], kind, unsafe)
    if (kind === 'set') continue
    const structural = kind === 'map' ? 'object' : 'tuple'
    if (only(kind, structural)) return unifyWithStructural(types, kind, structural, unsafe) ?? 'none'
  }
  if (only('object')) return dynamic > 0 ? asDynamic(types) : unifyObjects(types as ObjectType[], unsafe)
  if (only('tuple')) return dynamic > 0 ? asDynamic(types) : unifyTuples(types as TupleType[], unsafe)
  return count('object') > 0 && count('tuple') > 0 ? undefined : 'none'
}

function asDynamic(types: readonly Type[]): Unified {
  return { type: { kind: 'dynamic' }, conversions: types.map(() => () => dynamicValue) }
}

function allTo(types: readonly Type[], to: Type, unsafe: boolean, except = -1): Unified | undefined {
  const conversions: (Conversion | null)[] = []
  for (const [i, type] of types.entries()) {
    const conversion = i === except || sameType(type, to) ? null : conversionFor(type, to, unsafe)
    if (conversion === undefined) return undefined
    conversions.push(conversion)
  }
  return { type: to, conversions }
}

function unifyCollections(
  types: readonly CollectionType[],
  kind: CollectionType['kind'],
  unsafe: boolean,
): Unified | undefined {
  const element = unifyTypes(
    types.map(t => t.element),
    unsafe,
  )
  return element && allTo(types, { kind, element: element.type }, unsafe)
}

/** Maps beside objects (or lists beside tuples): the structures are taken as collections first. */
function unifyWithStructural(
  types: readonly Type[],
  kind: 'map' | 'list',
  structural: 'object' | 'tuple',
  unsafe: boolean,
): Unified | undefined {
  const parts = types.filter(t => t.kind === structural)
  const collected = collectionOf(parts, unsafe)
  if (collected === undefined) return undefined
  const unified = unifyTypes(
    types.map(t => (t.kind === structural ? collected.type : t)),
    unsafe,
  )
  if (unified === undefined || unified.type.kind !== kind) return undefined
  let part = 0
  const conversions = types.map((t, i): Conversion | null => {
    const after = unified.conversions[i] ?? null
    if (t.kind !== structural) return after
    const before = collected.conversions[part++] ?? null
    if (after === null || before === null) return before ?? after
    return v => after(before(v))
  })
  return { type: unified.type, conversions }
}

function unifyObjects(types: readonly ObjectType[], unsafe: boolean): Unified | undefined {
  const first = types[0] as ObjectType
  const alike = types.every(
    t =>
      t.attributes.size === first.attributes.size &&
      [...t.attributes.keys()].every(n => first.attributes.has(n)),
  )
  if (!alike) return collectionOf(types, unsafe)
  const attributes = new Map<string, Type>()
  for (const name of first.attributes.keys()) {
    const unified = unifyTypes(
      types.map(t => t.attributes.get(name) as Type),
      unsafe,
    )
    if (unified === undefined) return undefined
    attributes.set(name, unified.type)
  }
  return allTo(types, objectType(attributes), unsafe) ?? collectionOf(types, unsafe)
}

function unifyTuples(types: readonly TupleType[], unsafe: boolean): Unified | undefined {
  const first = types[0] as TupleType
  if (types.some(t => t.elements.length !== first.elements.length)) return collectionOf(types, unsafe)
  const elements: Type[] = []
  for (const i of first.elements.keys()) {
    const unified = unifyTypes(
      types.map(t => t.elements[i] as Type),
      unsafe,
    )
    if (unified === undefined) return undefined
    elements.push(unified.type)
  }
  return allTo(types, tupleType(elements), unsafe) ?? collectionOf(types, unsafe)
}

/** Objects as one map type, tuples as one list type. */
function collectionOf(types: readonly Type[], unsafe: boolean): Unified | undefined {
  const isMap = types[0]?.kind === 'object'
  const inner = types.flatMap(t =>
    t.kind === 'object' ? [...t.attributes.values()] : t.kind === 'tuple' ? t.elements : [],
  )
  const element = unifyTypes(inner, unsafe)
  return element && allTo(types, isMap ? mapType(element.type) : listType(element.type), unsafe)
}
