import { compareText } from './compare-text.ts'
import { conversionFor } from './convert.ts'
import {
  type CollectionType,
  hasDynamic,
  isCollection,
  isPrimitive,
  type ObjectType,
  sameType,
  type Type,
} from './type.ts'
import { constraintName, typeName } from './type-name.ts'

/** Says in words why a value of type `got` cannot become one of type `want`. */
export function mismatchMessage(got: Type, want: Type): string {
  if (got.kind === 'object' && want.kind === 'object') return objectMismatch(got, want)
  if (isCollection(want) && want.element.kind === 'dynamic') {
    if (got.kind === (want.kind === 'map' ? 'object' : 'tuple'))
      return `all ${want.kind} elements must have the same type`
  }
  if ((got.kind === 'tuple' || got.kind === 'object') && isCollection(want))
    return structuralMismatch(got, want)
  if (isCollection(got) && isCollection(want)) return collectionMismatch(got, want)
  if (!confusing(got, want)) return `${typeName(want)} required, but have ${typeName(got)}`
  return `${constraintName(want)} required`
}

function objectMismatch(got: ObjectType, want: ObjectType): string {
  const missing: string[] = []
  let mismatch: string | undefined
  for (const [name, wantType] of want.attributes) {
    const gotType = got.attributes.get(name)
    if (gotType === undefined) {
      if (!want.optional.has(name)) missing.push(name)
    } else if (!sameType(gotType, wantType) && conversionFor(gotType, wantType, true) === undefined) {
      mismatch ??= `attribute ${JSON.stringify(name)}: ${mismatchMessage(gotType, wantType)}`
    }
  }
  if (missing.length > 0) return `${listOf(missing.sort(compareText))} required`
  return mismatch ?? 'incorrect object attributes'
}

function listOf(names: readonly string[]): string {
  const quoted = names.map(n => JSON.stringify(n))
  if (quoted.length === 1) return `attribute ${quoted[0]} is`
  if (quoted.length === 2) return `attributes ${quoted[0]} and ${quoted[1]} are`
  return `attributes ${quoted.slice(0, -1).join(', ')}, and ${quoted.at(-1)} are`
}

function structuralMismatch(got: Type, want: CollectionType): string {
  const elements: (readonly [string, Type])[] = []
  if (got.kind === 'tuple' && want.kind !== 'map')
    got.elements.forEach((t, i) => void elements.push([String(i), t]))
  else if (got.kind === 'object' && want.kind === 'map') {
    for (const [name, t] of got.attributes) elements.push([JSON.stringify(name), t])
  } else return `${constraintName(want)} required`
  for (const [key, type] of elements) {
    if (sameType(type, want.element) || conversionFor(type, want.element, true) !== undefined) continue
    return `element ${key}: ${mismatchMessage(type, want.element)}`
  }
  return `all elements must be ${constraintName(want.element)}`
}

function collectionMismatch(got: CollectionType, want: CollectionType): string {
  if ((want.kind === 'map') !== (got.kind === 'map')) return `${constraintName(want)} required`
  return `incorrect ${want.kind} element type: ${mismatchMessage(got.element, want.element)}`
}

function confusing(got: Type, want: Type): boolean {
  if (isPrimitive(got) !== isPrimitive(want) || want.kind === 'string') return false
  if ((want.kind === 'bool' && got.kind === 'number') || (got.kind === 'bool' && want.kind === 'number'))
    return false
  if (isCollection(got) && isCollection(want) && !hasDynamic(got.element) && hasDynamic(want.element))
    return false
  return !(got.kind === 'tuple' && want.kind === 'object')
}
