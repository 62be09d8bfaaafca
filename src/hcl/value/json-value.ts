import { parseFloatText } from './big-float.ts'
import { compareText } from './compare-text.ts'
import { ConversionError, convertValue } from './convert.ts'
import { numberText } from './format-float.ts'
import { jsonString as goJsonString } from '../../gostd/json.ts'
import { quote } from '../../gostd/quote.ts'
import { typeFromJson, typeToJson } from './json-type.ts'
import { setValue } from './set-value.ts'
import { dynamicType, sameType, type Type } from './type.ts'
import {
  asArray,
  asFloat,
  asMap,
  asText,
  boolValue,
  isKnown,
  isNull,
  listValue,
  mapValue,
  nullDynamic,
  nullValue,
  numberValue,
  objectValue,
  stringValue,
  tupleValue,
  type Value,
} from './value.ts'

/**
 * The value as compact JSON with Go's escapes, keys sorted; where the given type leaves the type open, the JSON names it:
 * `{"value": …, "type": …}`. Throws a `ConversionError` for what JSON cannot say.
 */
export function valueToJson(v: Value, as: Type = v.type): string {
  if (!isKnown(v)) throw new ConversionError('value is not known')
  if (as.kind === 'dynamic' && v.type.kind !== 'dynamic')
    return `{"value":${valueToJson(v)},"type":${typeToJson(v.type)}}`
  if (isNull(v)) return 'null'
  const member = (e: Value, type: Type | undefined): string =>
    as === v.type || type === undefined ? valueToJson(e) : valueToJson(e, type)
  switch (v.type.kind) {
    case 'string':
      return goJsonString(asText(v))
    case 'number':
      if (asFloat(v).form === 'infinite') throw new ConversionError('cannot serialize infinity as JSON')
      return numberText(asFloat(v))
    case 'bool':
      return v.content === true ? 'true' : 'false'
    case 'list':
    case 'set':
    case 'tuple':
      return `[${asArray(v)
        .map((e, i) => member(e, memberType(as, i)))
        .join(',')}]`
    case 'map':
    case 'object':
      return `{${[...asMap(v)].map(([k, e]) => `${goJsonString(k)}:${member(e, memberType(as, k))}`).join(',')}}`
    default:
      return '{}'
  }
}

function memberType(type: Type, key: string | number): Type | undefined {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map':
      return type.element
    case 'tuple':
      return typeof key === 'number' ? type.elements[key] : undefined
    case 'object':
      return typeof key === 'string' ? type.attributes.get(key) : undefined
    default:
      return undefined
  }
}

/** A JSON document: numbers keep their text, objects their keys in order, duplicates included. */
export type JsonNode =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, JsonNode])[] }

/** The JSON document as the value it describes: tuples and objects. */
export function impliedValue(node: JsonNode): Value {
  switch (node.kind) {
    case 'null':
      return nullDynamic
    case 'bool':
      return boolValue(node.value)
    case 'number':
      return numberFrom(node.text)
    case 'string':
      return stringValue(node.value)
    case 'array':
      return tupleValue(node.items.map(impliedValue))
    case 'object':
      return impliedObject(node.entries)
  }
}

function impliedObject(entries: readonly (readonly [string, JsonNode])[]): Value {
  const values = new Map<string, Value>()
  for (const [key, node] of entries) {
    const value = impliedValue(node)
    const before = values.get(key)
    if (before !== undefined && !sameType(before.type, value.type))
      throw new ConversionError(`duplicate ${quote(key)} property in JSON object`)
    values.set(key, value)
  }
  return objectValue(values)
}

/** The JSON document as a value of the type; throws a `ConversionError` in go-cty's words where it does not fit. */
export function typedValue(node: JsonNode, type: Type): Value {
  if (node.kind === 'null') return nullValue(type)
  switch (type.kind) {
    case 'dynamic':
      return dynamicallyTyped(entries(node))
    case 'string':
      if (node.kind === 'string') return stringValue(node.value)
      if (node.kind === 'number') return stringValue(node.text)
      if (node.kind === 'bool') return stringValue(String(node.value))
      throw new ConversionError('string is required')
    case 'number':
      if (node.kind === 'number') return numberFrom(node.text)
      if (node.kind === 'string') return numberFrom(node.value)
      throw new ConversionError('number is required')
    case 'bool':
      if (node.kind === 'bool') return boolValue(node.value)
      if (node.kind === 'string') return convertValue(stringValue(node.value), type)
      throw new ConversionError('bool is required')
    case 'list':
      return listValue(
        items(node).map(n => typedValue(n, type.element)),
        type.element,
      )
    case 'set':
      return setValue(
        items(node).map(n => typedValue(n, type.element)),
        type.element,
      )
    case 'tuple': {
      const nodes = items(node)
      const size = type.elements.length
      if (nodes.length > size) throw new ConversionError(`too many tuple elements (need ${size})`)
      if (nodes.length < size) throw new ConversionError(`not enough tuple elements (need ${size})`)
      return tupleValue(nodes.map((n, i) => typedValue(n, type.elements[i] ?? dynamicType)))
    }
    case 'map':
      return mapValue(new Map(entries(node).map(([k, n]) => [k, typedValue(n, type.element)])), type.element)
    case 'object':
      return typedObject(entries(node), type)
    case 'capsule':
      throw new ConversionError(`unsupported type ${type.name}`)
  }
}

/** Where any type is allowed the JSON names it: `{"type": …, "value": …}`. */
function dynamicallyTyped(nodes: readonly (readonly [string, JsonNode])[]): Value {
  for (const [key] of nodes) {
    if (key !== 'type' && key !== 'value')
      throw new ConversionError(`invalid key ${quote(key)} in dynamically-typed value`)
  }
  const parts = new Map(nodes)
  const type = parts.get('type')
  const value = parts.get('value')
  if (type === undefined) throw new ConversionError('missing type in dynamically-typed value')
  if (value === undefined) throw new ConversionError('missing value in dynamically-typed value')
  try {
    return typedValue(value, typeFromJson(type))
  } catch (e) {
    if (!(e instanceof ConversionError) || !/type description|type kind name|type name/.test(e.message))
      throw e
    throw new ConversionError(`failed to decode type for dynamic value: ${e.message}`)
  }
}

function typedObject(
  nodes: readonly (readonly [string, JsonNode])[],
  type: Type & { kind: 'object' },
): Value {
  const attributes = new Map<string, Value>()
  for (const [key, node] of nodes) {
    const wanted = type.attributes.get(key)
    if (wanted === undefined) throw new ConversionError(`unsupported attribute ${JSON.stringify(key)}`)
    attributes.set(key, typedValue(node, wanted))
  }
  for (const [name, wanted] of [...type.attributes].sort((a, b) => compareText(a[0], b[0]))) {
    if (!attributes.has(name)) attributes.set(name, nullValue(wanted))
  }
  return objectValue(attributes)
}

function numberFrom(text: string): Value {
  const number = parseFloatText(text)
  if (number === undefined) throw new ConversionError('a number is required')
  return numberValue(number)
}

function items(node: JsonNode): readonly JsonNode[] {
  if (node.kind !== 'array') throw new ConversionError('missing expected [')
  return node.items
}

function entries(node: JsonNode): readonly (readonly [string, JsonNode])[] {
  if (node.kind !== 'object') throw new ConversionError('missing expected {')
  return node.entries
}
