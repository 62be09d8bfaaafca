import { quote } from '../../gostd/quote.ts'
import { jsonString } from '../../gostd/json.ts'
import { compareText } from './compare-text.ts'
import { ConversionError } from './convert.ts'
import type { JsonNode } from './json-value.ts'
import {
  boolType,
  dynamicType,
  listType,
  mapType,
  numberType,
  objectType,
  setType,
  stringType,
  tupleType,
  type Type,
} from './type.ts'

/**
 * The type that a JSON document describes the way go-cty writes types: `"string"`, `["list", "number"]`,
 * `["object", {"a": "bool"}, ["a"]]` (the last list names the optional attributes).
 * Throws a `ConversionError` in go-cty's words for anything else.
 * @see https://github.com/zclconf/go-cty/blob/v1.17.0/docs/json.md
 */
export function typeFromJson(node: JsonNode): Type {
  if (node.kind === 'string') return primitive(node.value)
  if (node.kind === 'object') throw new ConversionError('invalid complex type description')
  if (node.kind !== 'array') throw new ConversionError('invalid type description')
  const [kind, ...rest] = node.items
  const type =
    kind?.kind === 'string' && rest[0] !== undefined ? complex(kind.value, rest[0], rest[1]) : undefined
  if (type === undefined) throw new ConversionError('invalid complex type kind name')
  if (rest.length > (type.kind === 'object' ? 2 : 1)) {
    throw new ConversionError('unexpected extra data in type description')
  }
  return type
}

function primitive(name: string): Type {
  switch (name) {
    case 'bool':
      return boolType
    case 'number':
      return numberType
    case 'string':
      return stringType
    case 'dynamic':
      return dynamicType
    default:
      throw new ConversionError(`invalid primitive type name ${quote(name)}`)
  }
}

function complex(kind: string, inner: JsonNode, optional: JsonNode | undefined): Type | undefined {
  switch (kind) {
    case 'list':
      return listType(typeFromJson(inner))
    case 'map':
      return mapType(typeFromJson(inner))
    case 'set':
      return setType(typeFromJson(inner))
    case 'tuple':
      return inner.kind === 'array' ? tupleType(inner.items.map(typeFromJson)) : undefined
    case 'object': {
      if (inner.kind !== 'object') return undefined
      const names = optional?.kind === 'array' ? optional.items : []
      return objectType(
        new Map(inner.entries.map(([name, type]) => [name, typeFromJson(type)])),
        new Set(names.flatMap(n => (n.kind === 'string' ? [n.value] : []))),
      )
    }
    default:
      return undefined
  }
}

/** The type in go-cty's JSON notation. */
export function typeToJson(type: Type): string {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map':
      return `["${type.kind}",${typeToJson(type.element)}]`
    case 'tuple':
      return `["tuple",[${type.elements.map(typeToJson).join(',')}]]`
    case 'object': {
      const attributes = [...type.attributes].sort(([a], [b]) => compareText(a, b))
      return `["object",{${attributes.map(([k, t]) => `${jsonString(k)}:${typeToJson(t)}`).join(',')}}]`
    }
    default:
      return `"${type.kind === 'capsule' ? type.name : type.kind}"`
  }
}
