import type { Type } from './type.ts'

/** The type in words as diagnostics use them: `list of string`, `object`, `dynamic`. */
export function typeName(type: Type): string {
  return nameOf(type, false)
}

/** The type in words where it is a constraint: `dynamic` reads `any type`, inside collections `any single type`. */
export function constraintName(type: Type): string {
  return nameOf(type, true)
}

function nameOf(type: Type, constraint: boolean): string {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map': {
      const any = constraint && type.element.kind === 'dynamic'
      return `${type.kind} of ${any ? 'any single type' : nameOf(type.element, constraint)}`
    }
    case 'dynamic':
      return constraint ? 'any type' : 'dynamic'
    case 'capsule':
      return type.name
    default:
      return type.kind
  }
}
