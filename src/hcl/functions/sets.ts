import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import { limitError, takeSize } from '../value/limit.ts'
import { convertValue } from '../value/convert.ts'
import { setHas, setValue } from '../value/set-value.ts'
import { boolType, dynamicType, isSequence, setType, type Type, tupleType } from '../value/type.ts'
import { unifyTypes } from '../value/unify.ts'
import {
  asArray,
  boolValue,
  elementType,
  lengthOf,
  listValue,
  tupleValue,
  type Value,
} from '../value/value.ts'
import { any, define, type FunctionTable } from './arguments.ts'
import { convertArgument } from './sequence.ts'

const setOfAny = { type: setType(dynamicType) }

function operation(
  first: string,
  others: string,
  combine: (a: readonly Value[], b: Value) => readonly Value[],
  binary = false,
): HclFunction {
  const more = { name: others, ...setOfAny }
  return valueFunction({
    parameters: [{ name: first, ...setOfAny }, ...(binary ? [more] : [])],
    ...(binary ? {} : { variadic: more }),
    call: args => {
      const types = args.filter(v => lengthOf(v) > 0 || elementType(v).kind !== 'dynamic').map(elementType)
      const common = types.length === 0 ? { type: dynamicType as Type } : unifyTypes(types, true)
      if (common === undefined) throw new FunctionError('given sets must all have compatible element types')
      const [start, ...rest] = args.map((v, i) => convertArgument(v, setType(common.type), i))
      return rest.reduce((set, v) => setValue(combine(asArray(set), v), common.type), start as Value)
    },
  })
}

const isIn = (set: Value, v: Value): boolean => setHas(set, v)
const asSet = (elements: readonly Value[], like: Value): Value => ({ type: like.type, content: elements })

const setproduct = valueFunction({
  variadic: any('sets'),
  call: (args, budget) => {
    if (args.length < 2) throw new FunctionError('at least two arguments are required')
    const types = args.map((v, i): Type => {
      if (v.type.kind === 'set' || v.type.kind === 'list') return v.type.element
      if (v.type.kind !== 'tuple') throw new FunctionError('a set or a list is required', i)
      if (v.type.elements.length === 0) return dynamicType
      const common = unifyTypes(v.type.elements, true)
      if (common === undefined) throw new FunctionError('all elements must be of the same type', i)
      return common.type
    })
    const total = args.reduce((n, v) => n * lengthOf(v), 1)
    if (total > 1_000_000) throw limitError(`${total} combinations`)
    takeSize(budget, total * args.length)
    let product: (readonly Value[])[] = [[]]
    for (const [i, v] of args.entries()) {
      const elements = asArray(v).map(e => convertValue(e, types[i] as Type))
      product = product.flatMap(row => elements.map(e => [...row, e]))
    }
    const rows = product.map(tupleValue)
    const element = tupleType(types)
    return args.some(v => v.type.kind === 'set')
      ? setValue(rows, rows[0]?.type ?? element)
      : listValue(rows, rows[0]?.type ?? element)
  },
})

/** Sets. */
export const setFunctions: FunctionTable = {
  sethaselement: define([{ name: 'set', ...setOfAny }, any('elem')], boolType, ([set, v]) => {
    return boolValue(isSequence((set as Value).type) && isIn(set as Value, v as Value))
  }),
  setintersection: operation('first_set', 'other_sets', (a, b) => a.filter(v => isIn(b, v))),
  setproduct,
  setsubtract: operation('a', 'b', (a, b) => a.filter(v => !isIn(b, v)), true),
  setsymmetricdifference: operation('first_set', 'other_sets', (a, b) => [
    ...a.filter(v => !isIn(b, v)),
    ...asArray(b).filter(v => !isIn(asSet(a, b), v)),
  ]),
  setunion: operation('first_set', 'other_sets', (a, b) => [...a, ...asArray(b)]),
}
