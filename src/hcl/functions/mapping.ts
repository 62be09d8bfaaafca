import { quote } from '../../gostd/quote.ts'
import { FunctionError, valueFunction } from '../function.ts'
import { isIntegral, truncateFloat } from '../value/big-float.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { takeSize } from '../value/limit.ts'
import {
  boolType,
  dynamicType,
  isSequence,
  numberType,
  sameType,
  stringType,
  type Type,
} from '../value/type.ts'
import { typeName } from '../value/type-name.ts'
import {
  asArray,
  asFloat,
  asMap,
  asText,
  boolValue,
  elementType,
  integerValue,
  isNull,
  lengthOf,
  listValue,
  mapValue,
  objectValue,
  stringValue,
  tupleValue,
  type Value,
} from '../value/value.ts'
import {
  any,
  blame,
  define,
  type FunctionTable,
  integerArgument,
  list,
  text,
  textArgument,
} from './arguments.ts'

const isMapping = (v: Value): boolean => v.type.kind === 'map' || v.type.kind === 'object'
const indexable = (type: Type): boolean =>
  type.kind === 'list' || type.kind === 'tuple' || type.kind === 'map'

function elementAt(collection: Value, key: Value): Value | undefined {
  if (collection.type.kind === 'map')
    return key.type.kind === 'string' && !isNull(key) ? asMap(collection).get(asText(key)) : undefined
  if (key.type.kind !== 'number' || isNull(key) || !isIntegral(asFloat(key))) return undefined
  const index = truncateFloat(asFloat(key))
  return index === undefined || index < 0n || index >= lengthOf(collection)
    ? undefined
    : asArray(collection)[Number(index)]
}

const hasindex = define([any('collection'), any('key')], boolType, ([collection, key]) => {
  if (!indexable((collection as Value).type))
    throw new FunctionError('collection must be a list, a map or a tuple')
  return boolValue(elementAt(collection as Value, key as Value) !== undefined)
})

const index = define([any('collection'), any('key')], dynamicType, ([v, k]) => {
  const collection = v as Value
  const key = k as Value
  const { kind } = collection.type
  if (!indexable(collection.type)) throw new FunctionError('collection must be a list, a map or a tuple')
  const wanted = kind === 'map' ? 'string' : 'number'
  if (key.type.kind !== wanted) throw new FunctionError(`key for ${kind} must be ${wanted}`)
  if (kind === 'tuple') {
    const at = blame(undefined, 'invalid key for tuple: ', () => integerArgument(key))
    const length = lengthOf(collection)
    if (at < 0 || at >= length) throw new FunctionError(`key must be between 0 and ${length} inclusive`)
  }
  const found = elementAt(collection, key)
  if (found === undefined) throw new FunctionError('invalid index')
  return found
})

const length = define([any('collection', { allowUnknown: true })], numberType, ([v]) => {
  const { type, content } = v as Value
  if (!isSequence(type) && type.kind !== 'map' && type.kind !== 'dynamic')
    throw new FunctionError('collection must be a list, a map or a tuple')
  if (type.kind === 'tuple') return integerValue(type.elements.length)
  return Array.isArray(content) || content instanceof Map
    ? integerValue(lengthOf(v as Value))
    : { type: numberType, content: (v as Value).content }
})

const keys = define([any('inputMap')], dynamicType, ([v]) => {
  if (!isMapping(v as Value)) throw new FunctionError('must have map or object type', 0)
  const names = [...asMap(v as Value).keys()].map(stringValue)
  return (v as Value).type.kind === 'object' ? tupleValue(names) : listValue(names, stringType)
})

const values = define([any('mapping')], dynamicType, ([v]) => {
  if (!isMapping(v as Value)) throw new FunctionError('values() requires a map as the first argument')
  const elements = [...asMap(v as Value).values()]
  return (v as Value).type.kind === 'object'
    ? tupleValue(elements)
    : listValue(elements, elementType(v as Value))
})

const lookup = define([any('inputMap'), text('key'), any('default')], dynamicType, ([map, key, fallback]) => {
  const mapping = map as Value
  if (!isMapping(mapping)) throw new FunctionError('lookup() requires a map as the first argument', 0)
  let byDefault = fallback as Value
  if (mapping.type.kind === 'map') {
    try {
      byDefault = convertValue(byDefault, mapping.type.element)
    } catch (e) {
      if (e instanceof ConversionError)
        throw new FunctionError('the default value must have the same type as the map elements', 2)
      throw e
    }
  }
  return asMap(mapping).get(textArgument(key)) ?? byDefault
})

const merge = valueFunction({
  variadic: any('maps', { allowNull: true }),
  call: (args, budget) => {
    const first = args[0]
    const merged = new Map<string, Value>()
    for (const v of args) {
      if (v.type.kind !== 'dynamic' && !isMapping(v))
        throw new FunctionError(`arguments must be maps or objects, got ${quote(typeName(v.type))}`)
      if (isNull(v)) continue
      takeSize(budget, lengthOf(v))
      for (const [k, e] of asMap(v)) merged.set(k, e)
    }
    if (first?.type.kind === 'map' && args.every(v => sameType(v.type, first.type)))
      return mapValue(merged, first.type.element)
    return objectValue(merged)
  },
})

const zipmap = define([list('keys', stringType), any('values')], dynamicType, ([k, v]) => {
  const names = asArray(k as Value)
  const { type } = v as Value
  if (type.kind !== 'list' && type.kind !== 'tuple')
    throw new FunctionError('values argument must be a list or tuple value')
  const elements = asArray(v as Value)
  if (names.length !== elements.length) {
    throw new FunctionError(
      `number of keys (${names.length}) does not match number of values (${elements.length})`,
    )
  }
  const entries = new Map<string, Value>()
  for (const [i, name] of names.entries()) {
    if (isNull(name)) throw new FunctionError(`keys list has null value at index ${i}`)
    entries.set(asText(name), elements[i] as Value)
  }
  return type.kind === 'list' ? mapValue(entries, type.element) : objectValue(entries)
})

/** Maps, objects and access by key. */
export const mappingFunctions: FunctionTable = {
  hasindex,
  index,
  keys,
  length,
  lookup,
  merge,
  values,
  zipmap,
}
