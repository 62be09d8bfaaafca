import { type BigFloat, compareFloats } from './big-float.ts'
import { compareText } from './compare-text.ts'
import { equalValues } from './equal.ts'
import { formatFloat } from './format-float.ts'
import { setType, type Type } from './type.ts'
import { asArray, asMap, isKnown, isNull, type Value } from './value.ts'

/**
 * A set of the distinct elements, in the order iteration gives: strings by code point, numbers by size, `false` before
 * `true`, everything else by the text of its content; nulls after all others, unknown values last.
 */
export function setValue(
  elements: readonly Value[],
  element: Type = elements[0]?.type ?? { kind: 'dynamic' },
): Value {
  const buckets = new Map<string, Value[]>()
  const distinct: { readonly key: string; readonly value: Value }[] = []
  for (const value of elements) {
    const key = contentKey(value)
    const bucket = buckets.get(key) ?? []
    if (bucket.some(other => equalValues(other, value) === true)) continue
    bucket.push(value)
    buckets.set(key, bucket)
    distinct.push({ key, value })
  }
  distinct.sort((a, b) => order(a, b, element))
  return { type: setType(element), content: distinct.map(d => d.value) }
}

/** Tells whether a known set has an element equal to `v`. */
export function setHas(set: Value, v: Value): boolean {
  return asArray(set).some(e => equalValues(e, v) === true)
}

function order(a: { key: string; value: Value }, b: { key: string; value: Value }, element: Type): number {
  const rank = special(a.value) - special(b.value)
  if (rank !== 0 || special(a.value) !== 0) return rank
  if (element.kind === 'string') return compareText(a.value.content as string, b.value.content as string)
  if (element.kind === 'number')
    return compareFloats(a.value.content as BigFloat, b.value.content as BigFloat)
  if (element.kind === 'bool') return Number(a.value.content) - Number(b.value.content)
  return compareText(a.key, b.key)
}

function special(v: Value): number {
  return isNull(v) ? 1 : isKnown(v) ? 0 : 2
}

/** A text that equal values share, by which structured elements are ordered. */
export function contentKey(v: Value): string {
  if (!isKnown(v)) return '?'
  if (isNull(v)) return '~'
  switch (v.type.kind) {
    case 'number':
      return formatFloat(v.content as BigFloat, 'g', 10)
    case 'bool':
      return v.content === true ? 'T' : 'F'
    case 'string':
      return JSON.stringify(v.content)
    case 'map':
      return `{${[...asMap(v)].map(([k, e]) => `${JSON.stringify(k)}:${contentKey(e)};`).join('')}}`
    case 'list':
    case 'set':
      return `[${asArray(v)
        .map(e => `${contentKey(e)};`)
        .join('')}]`
    case 'object':
      return `<${[...asMap(v).values()].map(e => `${contentKey(e)};`).join('')}>`
    case 'tuple':
      return `<${asArray(v)
        .map(e => `${contentKey(e)};`)
        .join('')}>`
    default:
      return '«?»'
  }
}
