import { type BigFloat, compareFloats } from './big-float.ts'
import { hasDynamic, sameType } from './type.ts'
import { asArray, asMap, isKnown, isNull, type Value } from './value.ts'

/** Tells whether two values are equal by HCL's `==`: the type counts; `undefined` when that is not known yet. */
export function equalValues(a: Value, b: Value): boolean | undefined {
  if (!isKnown(a) || !isKnown(b)) {
    const known = isKnown(a) ? a : isKnown(b) ? b : undefined
    const other = known === a ? b : a
    if (known === undefined || isNull(known) || hasDynamic(other.type)) return undefined
    return sameType(a.type, b.type) ? undefined : false
  }
  if (isNull(a) || isNull(b)) return isNull(a) && isNull(b)
  if (!sameType(a.type, b.type)) return false
  switch (a.type.kind) {
    case 'number':
      return compareFloats(a.content as BigFloat, b.content as BigFloat) === 0
    case 'object':
    case 'map':
      return equalMaps(asMap(a), asMap(b))
    case 'list':
    case 'tuple':
    case 'set':
      return equalArrays(asArray(a), asArray(b))
    default:
      return a.content === b.content
  }
}

function equalArrays(a: readonly Value[], b: readonly Value[]): boolean | undefined {
  if (a.length !== b.length) return false
  let result: boolean | undefined = true
  for (let i = 0; i < a.length; i++) {
    const same = equalValues(a[i] as Value, b[i] as Value)
    if (same === false) return false
    if (same === undefined) result = undefined
  }
  return result
}

function equalMaps(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean | undefined {
  if (a.size !== b.size) return false
  let result: boolean | undefined = true
  for (const [key, value] of a) {
    const other = b.get(key)
    const same = other === undefined ? false : equalValues(value, other)
    if (same === false) return false
    if (same === undefined) result = undefined
  }
  return result
}
