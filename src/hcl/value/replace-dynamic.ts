import { isPrimitive, listType, mapType, objectType, setType, type Type, tupleType } from './type.ts'
import { unifyTypes } from './unify.ts'

/** The constraint `to` with every `any` in it replaced by what the type `from` has in that place. */
export function replaceDynamic(from: Type, to: Type): Type {
  if (from.kind === 'dynamic' || isPrimitive(to) || to.kind === 'capsule') return to
  switch (to.kind) {
    case 'dynamic':
      return from
    case 'map':
      if (from.kind === 'map') return mapType(replaceDynamic(from.element, to.element))
      if (from.kind === 'object') return mapType(replaceCommon([...from.attributes.values()], to.element))
      return to
    case 'list':
    case 'set': {
      const make = to.kind === 'list' ? listType : setType
      if (from.kind === 'list' || from.kind === 'set') return make(replaceDynamic(from.element, to.element))
      if (from.kind === 'tuple') return make(replaceCommon(from.elements, to.element))
      return to
    }
    case 'object': {
      const types = new Map<string, Type>()
      for (const [name, type] of to.attributes) {
        const got =
          from.kind === 'map' ? from.element : from.kind === 'object' ? from.attributes.get(name) : undefined
        types.set(name, got === undefined ? type : replaceDynamic(got, type))
      }
      return objectType(types)
    }
    case 'tuple':
      if (from.kind !== 'tuple') return to
      return tupleType(to.elements.map((t, i) => replaceDynamic(from.elements[i] ?? t, t)))
    default:
      return to
  }
}

function replaceCommon(types: readonly Type[], to: Type): Type {
  const common = unifyTypes(types, true)
  return common === undefined ? to : replaceDynamic(common.type, to)
}
