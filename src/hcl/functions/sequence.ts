import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import { compareFloats, floatFromInteger } from '../value/big-float.ts'
import { applyOperator } from '../eval/operator.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { equalValues } from '../value/equal.ts'
import { takeSize } from '../value/limit.ts'
import {
  boolType,
  dynamicType,
  isSequence,
  listType,
  numberType,
  sameType,
  stringType,
  type Type,
} from '../value/type.ts'
import { typeName } from '../value/type-name.ts'
import { unifyTypes } from '../value/unify.ts'
import {
  asArray,
  asFloat,
  asText,
  boolValue,
  elementType,
  integerValue,
  isKnown,
  isNull,
  lengthOf,
  listValue,
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
  number,
  wholeArgument,
} from './arguments.ts'

const isList = (v: Value): boolean => v.type.kind === 'list' || v.type.kind === 'tuple'
const fixed = (call: (args: readonly Value[]) => Value, ...names: string[]): HclFunction =>
  define(
    names.map(n => any(n)),
    dynamicType,
    call,
  )

/** The values as a list where the given sequence was one, else as a tuple. */
function like(v: Value, values: readonly Value[]): Value {
  return v.type.kind === 'tuple' ? tupleValue(values) : listValue(values, elementType(v))
}

const element = define([any('list'), number('index')], dynamicType, ([v, index]) => {
  const sequence = v as Value
  if (!isList(sequence)) throw new FunctionError(`cannot read elements from ${typeName(sequence.type)}`)
  const at = blame(undefined, 'invalid index: ', () => wholeArgument(index))
  const length = lengthOf(sequence)
  if (length === 0) throw new FunctionError('cannot use element function with an empty list')
  const rest = Number(at % BigInt(length))
  return asArray(sequence)[rest < 0 ? rest + length : rest] as Value
})

const coalescelist = valueFunction({
  variadic: any('vals', { allowNull: true }),
  call: args => {
    if (args.length === 0) throw new FunctionError('at least one argument is required')
    if (!args.every(isList)) throw new FunctionError('coalescelist arguments must be lists or tuples')
    const found = args.find(v => !isNull(v) && lengthOf(v) > 0)
    if (found === undefined) throw new FunctionError('no non-null arguments')
    return found
  },
})

const coalesce = valueFunction({
  variadic: any('vals', { allowNull: true }),
  call: args => {
    const common = unifyTypes(
      args.map(v => v.type),
      true,
    )
    if (common === undefined) throw new FunctionError('all arguments must have the same type')
    const found = args.find(v => !isNull(v))
    if (found === undefined) throw new FunctionError('no non-null arguments')
    return convertValue(found, common.type)
  },
})

const compact = define([list('list', stringType)], listType(stringType), ([v]) =>
  listValue(
    asArray(v as Value).filter(e => !isNull(e) && asText(e) !== ''),
    stringType,
  ),
)

const contains = define([any('list'), any('value')], boolType, ([v, wanted]) => {
  if (!isSequence((v as Value).type)) throw new FunctionError('argument must be list, tuple, or set')
  return boolValue(asArray(v as Value).some(e => equalValues(wanted as Value, e) === true))
})

const distinct = define([list('list')], dynamicType, ([v], budget) => {
  const kept: Value[] = []
  for (const e of asArray(v as Value)) {
    takeSize(budget, kept.length)
    if (!kept.some(k => equalValues(k, e) === true)) kept.push(e)
  }
  return listValue(kept, elementType(v as Value))
})

const chunklist = define([list('list'), number('size')], dynamicType, ([v, count]) => {
  const size = blame(undefined, 'invalid size: ', () => integerArgument(count))
  if (size < 0) throw new FunctionError('the size argument must be positive')
  const { type } = v as Value
  const elements = asArray(v as Value)
  if (elements.length === 0) return listValue([], type)
  if (size === 0) return listValue([v as Value])
  const chunks: Value[] = []
  for (let i = 0; i < elements.length; i += size) chunks.push(like(v as Value, elements.slice(i, i + size)))
  return listValue(chunks, type)
})

function flatten(v: Value): Value[] {
  return asArray(v).flatMap(e => (!isNull(e) && isKnown(e) && isSequence(e.type) ? flatten(e) : [e]))
}

const concat = valueFunction({
  variadic: any('seqs'),
  call: (args, budget) => {
    if (args.length === 0) throw new FunctionError('at least one argument is required')
    for (const v of args) takeSize(budget, isList(v) ? lengthOf(v) : 1)
    if (args.every(v => v.type.kind === 'list')) {
      const common = unifyTypes(
        args.map(v => v.type),
        true,
      )
      if (common?.type.kind === 'list') {
        const { type } = common
        return listValue(
          args.flatMap(v => asArray(convertValue(v, type))),
          type.element,
        )
      }
    }
    return tupleValue(
      args.flatMap((v, i) => {
        if (isList(v)) return asArray(v)
        throw new FunctionError(`all arguments must be lists or tuples; got ${typeName(v.type)}`, i)
      }),
    )
  },
})

const range = valueFunction({
  variadic: number('params'),
  returns: listType(numberType),
  call: args => {
    const [a, b, c] = args
    if (a === undefined || args.length > 3) throw new FunctionError('must have one, two, or three arguments')
    const zero = integerValue(0)
    const start = b === undefined ? zero : a
    const end = b ?? a
    const backwards = compareFloats(asFloat(end), asFloat(start)) < 0
    const step = c ?? integerValue(backwards ? -1 : 1)
    const direction = compareFloats(asFloat(step), floatFromInteger(0))
    if (direction < 0 && compareFloats(asFloat(end), asFloat(start)) > 0)
      throw new FunctionError('end must be less than start when step is negative', 1)
    if (direction >= 0 && backwards)
      throw new FunctionError('end must be greater than start when step is positive', 1)
    const values: Value[] = []
    for (
      let n = start;
      compareFloats(asFloat(n), asFloat(end)) * (direction < 0 ? -1 : 1) < 0;
      n = applyOperator('+', n, step)
    ) {
      if (values.length >= 1024) {
        throw new FunctionError(
          'more than 1024 values were generated; either decrease the difference between start and end or use a smaller step',
        )
      }
      values.push(n)
    }
    return listValue(values, numberType)
  },
})

const slice = define(
  [any('list'), number('start_index'), number('end_index')],
  dynamicType,
  ([v, from, to]) => {
    const { type } = v as Value
    if (type.kind === 'set') {
      const advice = 'explicitly convert to a list if the ordering of the result is not important'
      throw new FunctionError(`cannot slice a set, because its elements do not have indices; ${advice}`, 0)
    }
    if (!isList(v as Value)) throw new FunctionError('must be a list or tuple value', 0)
    const length = lengthOf(v as Value)
    const start = sliceIndex(from, 1, 'start', length)
    const end = sliceIndex(to, 2, 'end', length)
    if (start > end) throw new FunctionError('start index must not be greater than end index', 1)
    return like(v as Value, asArray(v as Value).slice(start, end))
  },
)

function sliceIndex(v: Value | undefined, argument: number, which: string, length: number): number {
  const index = blame(argument, `invalid ${which} index: `, () => integerArgument(v))
  if (index < 0) throw new FunctionError(`${which} index must not be less than zero`, argument)
  if (index > length)
    throw new FunctionError(`${which} index must not be greater than the length of the list`, argument)
  return index
}

const reverselist = fixed(([v]) => {
  const sequence = v as Value
  if (!isSequence(sequence.type))
    throw new FunctionError(`can only reverse list or tuple values, not ${typeName(sequence.type)}`, 0)
  return like(sequence, [...asArray(sequence)].reverse())
}, 'list')

const indexof = define([any('list'), any('value')], numberType, ([v, wanted]) => {
  if (!isList(v as Value)) throw new FunctionError('argument must be a list or tuple')
  const elements = asArray(v as Value)
  if (elements.length === 0) throw new FunctionError('cannot search an empty list')
  const at = elements.findIndex(e => equalValues(e, wanted as Value) === true)
  if (at < 0) throw new FunctionError('item not found')
  return integerValue(at)
})

/** Lists, tuples and what goes over them. */
export const sequenceFunctions: FunctionTable = {
  chunklist,
  coalesce,
  coalescelist,
  compact,
  concat,
  contains,
  distinct,
  element,
  flatten: fixed(([v]) => {
    if (!isSequence((v as Value).type)) throw new FunctionError('can only flatten lists, sets and tuples')
    return tupleValue(flatten(v as Value))
  }, 'list'),
  indexof,
  range,
  reverselist,
  slice,
}

/** Converts for a function: what cannot be converted is the argument's fault. */
export function convertArgument(v: Value, type: Type, argument: number): Value {
  if (sameType(v.type, type)) return v
  try {
    return convertValue(v, type)
  } catch (e) {
    if (e instanceof ConversionError) throw new FunctionError(e.message, argument)
    throw e
  }
}
