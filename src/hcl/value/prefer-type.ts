import { isPrimitive, type Type } from './type.ts'

/** Indexes of the types, the most general first: a type that others convert to comes before them. */
export function preferenceOrder(types: readonly Type[]): readonly number[] {
  const edges: number[][] = types.map(() => [])
  const incoming = types.map(() => 0)
  for (let i = 0; i < types.length - 1; i++) {
    for (let j = i + 1; j < types.length; j++) {
      const order = compareGenerality(types[i] as Type, types[j] as Type)
      if (order < 0) edges[i]?.push(j)
      if (order > 0) edges[j]?.push(i)
    }
  }
  for (const out of edges) for (const j of out) incoming[j] = (incoming[j] as number) + 1
  const result = incoming.flatMap((n, i) => (n === 0 ? [i] : []))
  for (let at = 0; at < result.length; at++) {
    for (const j of edges[result[at] as number] ?? []) {
      incoming[j] = (incoming[j] as number) - 1
      if (incoming[j] === 0) result.push(j)
    }
  }
  return result
}

/** Negative when `a` is the more general of two types, positive when `b` is, 0 when neither. */
function compareGenerality(a: Type, b: Type): number {
  if (a.kind === 'dynamic' || b.kind === 'dynamic')
    return a.kind === b.kind ? 0 : a.kind === 'dynamic' ? 1 : -1
  if (isPrimitive(a) && isPrimitive(b)) {
    if (a.kind === b.kind) return 0
    return a.kind === 'string' ? -1 : b.kind === 'string' ? 1 : 0
  }
  if (a.kind === b.kind) {
    if (a.kind === 'list' || a.kind === 'set' || a.kind === 'map')
      return compareGenerality(a.element, (b as typeof a).element)
    if (a.kind === 'tuple') return compareAll(pairs(a.elements, (b as typeof a).elements))
    if (a.kind === 'object') {
      const other = (b as typeof a).attributes
      if (a.attributes.size !== other.size || [...a.attributes.keys()].some(k => !other.has(k))) return 0
      return compareAll([...a.attributes].map(([k, t]) => [t, other.get(k) as Type]))
    }
    return 0
  }
  for (const family of families) {
    const left = family.indexOf(a.kind)
    const right = family.indexOf(b.kind)
    if (left >= 0 && right >= 0) return left - right
  }
  return 0
}

/** Kinds that convert into one another, the most general first. */
const families: readonly (readonly Type['kind'][])[] = [
  ['list', 'tuple', 'set'],
  ['map', 'object'],
]

function pairs(a: readonly Type[], b: readonly Type[]): (readonly [Type, Type])[] {
  return a.length === b.length ? a.map((t, i) => [t, b[i] as Type] as const) : []
}

function compareAll(types: readonly (readonly [Type, Type])[]): number {
  const orders = types.map(([a, b]) => compareGenerality(a, b))
  const less = orders.some(o => o < 0)
  const more = orders.some(o => o > 0)
  return less === more ? 0 : less ? -1 : 1
}
