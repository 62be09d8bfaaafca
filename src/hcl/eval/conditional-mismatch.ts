import { compareText } from '../value/compare-text.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { isCollection, sameType, type Type } from '../value/type.ts'
import { typeName } from '../value/type-name.ts'

/** Says in what the types of the two sides of a conditional differ, as deep inside as that can be told. */
export function describeMismatch(yes: Type, no: Type): string {
  const inside = differenceInside(yes, no)
  if (inside !== undefined) return inside
  if (typeName(yes) === typeName(no)) {
    return "At least one deeply-nested attribute or element is not compatible across both the 'true' and the 'false' value"
  }
  return `The 'true' value is ${typeName(yes)}, but the 'false' value is ${typeName(no)}`
}

function differenceInside(yes: Type, no: Type): string | undefined {
  if (yes.kind === 'object' && no.kind === 'object') {
    const absent = (name: string, has: string, lacks: string): string =>
      `The '${has}' value includes object attribute ${goQuote(name)}, which is absent in the '${lacks}' value`
    for (const [name, type] of sorted(yes.attributes)) {
      const other = no.attributes.get(name)
      if (other === undefined) return absent(name, 'true', 'false')
      if (!sameType(type, other))
        return `Type mismatch for object attribute ${goQuote(name)}: ${describeMismatch(type, other)}`
    }
    for (const [name] of sorted(no.attributes))
      if (!yes.attributes.has(name)) return absent(name, 'false', 'true')
  } else if (yes.kind === 'tuple' && no.kind === 'tuple') {
    const [a, b] = [yes.elements.length, no.elements.length]
    if (a !== b) return `The 'true' tuple has length ${a}, but the 'false' tuple has length ${b}`
    for (const [i, type] of yes.elements.entries()) {
      const other = no.elements[i] as Type
      if (!sameType(type, other))
        return `Type mismatch for tuple element ${i}: ${describeMismatch(type, other)}`
    }
  } else if (isCollection(yes) && isCollection(no) && yes.kind === no.kind) {
    const [a, b] = [yes.element, no.element]
    if (a.kind === b.kind && (a.kind === 'object' || a.kind === 'tuple')) {
      return `Mismatched ${yes.kind} element types: ${describeMismatch(a, b)}`
    }
  }
  return undefined
}

function sorted(attributes: ReadonlyMap<string, Type>): [string, Type][] {
  return [...attributes].sort((a, b) => compareText(a[0], b[0]))
}
