import { applyOperator } from '../eval/operator.ts'
import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import type { BinaryOperator } from '../syntax/expression.ts'
import { quote } from '../../gostd/quote.ts'
import {
  compareFloats,
  floatFromInteger,
  floatFromNumber,
  infinity,
  isIntegral,
  NotANumberError,
  truncateFloat,
} from '../value/big-float.ts'
import { boolType, numberType } from '../value/type.ts'
import { power } from './power.ts'
import { typeName } from '../value/type-name.ts'
import { asFloat, boolValue, integerValue, numberValue, type Value } from '../value/value.ts'
import {
  any,
  blame,
  bool,
  define,
  type FunctionTable,
  integerArgument,
  number,
  numberArgument,
  textArgument,
} from './arguments.ts'

function operator(op: BinaryOperator, returns = numberType): HclFunction {
  return define([number('a'), number('b')], returns, ([a, b]) =>
    attempt(() => applyOperator(op, a as Value, b as Value)),
  )
}

function attempt(compute: () => Value): Value {
  try {
    return compute()
  } catch (e) {
    if (e instanceof NotANumberError) throw new FunctionError(e.message)
    throw e
  }
}

function extreme(sign: number): HclFunction {
  return valueFunction({
    variadic: number('numbers'),
    returns: numberType,
    call: args => {
      if (args.length === 0) throw new FunctionError('must pass at least one number')
      let best = numberValue(infinity(sign > 0))
      for (const v of args) if (compareFloats(asFloat(v), asFloat(best)) * sign > 0) best = v
      return best
    },
  })
}

/** Rounds towards zero, up (`1`) or down (`-1`); infinity stays what it is. */
function rounding(direction: -1 | 0 | 1): HclFunction {
  return define([number('num')], numberType, ([v]) => {
    const float = asFloat(v as Value)
    const whole = truncateFloat(float)
    if (whole === undefined || isIntegral(float))
      return direction !== 0 && whole === 0n ? integerValue(0) : (v as Value)
    const away = (direction > 0 && !float.negative) || (direction < 0 && float.negative)
    const size = floatFromInteger(away ? whole + BigInt(direction) : whole)
    return numberValue(
      direction === 0 ? size : { ...size, precision: Math.max(size.precision, float.precision) },
    )
  })
}

function real(compute: (a: number, b: number) => number, second: string): HclFunction {
  return define([number('num'), number(second)], numberType, ([a, b]) => {
    const result = compute(numberArgument(a), numberArgument(b))
    if (Number.isNaN(result)) throw new FunctionError('the result is not a number')
    return numberValue(floatFromNumber(result))
  })
}

const equality = (same: boolean): HclFunction =>
  define(
    [any('a', { allowNull: true, allowUnknown: true }), any('b', { allowNull: true, allowUnknown: true })],
    boolType,
    ([a, b]) => applyOperator(same ? '==' : '!=', a as Value, b as Value),
  )

const parseint: HclFunction = define([any('number'), number('base')], numberType, ([v, base]) => {
  const { type } = v as Value
  if (type.kind !== 'string')
    throw new FunctionError(`first argument must be a string, not ${typeName(type)}`, 0)
  const radix = blame(1, '', () => integerArgument(base))
  if (radix < 2 || radix > 62)
    throw new FunctionError('base must be a whole number between 2 and 62 inclusive', 1)
  const given = textArgument(v)
  const parsed = parseDigits(given, radix)
  if (parsed === undefined)
    throw new FunctionError(`cannot parse ${quote(given)} as a base ${radix} integer`, 0)
  return integerValue(parsed)
})

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

function parseDigits(given: string, base: number): bigint | undefined {
  const match = /^([+-]?)([0-9A-Za-z]+)$/.exec(given)
  if (match === null || given.length > 10_000) return undefined
  let n = 0n
  for (const c of base <= 36 ? (match[2] as string).toLowerCase() : (match[2] as string)) {
    const digit = digits.indexOf(c)
    if (digit >= base) return undefined
    n = n * BigInt(base) + BigInt(digit)
  }
  return match[1] === '-' ? -n : n
}

/** Numbers, comparisons and logic. */
export const arithmeticFunctions: FunctionTable = {
  absolute: define([number('num')], numberType, ([v]) =>
    numberValue({ ...asFloat(v as Value), negative: false }),
  ),
  add: operator('+'),
  and: define([bool('a'), bool('b')], boolType, ([a, b]) =>
    boolValue(a?.content === true && b?.content === true),
  ),
  ceil: rounding(1),
  divide: operator('/'),
  equal: equality(true),
  floor: rounding(-1),
  greaterthan: operator('>', boolType),
  greaterthanorequalto: operator('>=', boolType),
  int: rounding(0),
  lessthan: operator('<', boolType),
  lessthanorequalto: operator('<=', boolType),
  log: real((n, base) => Math.log(n) / Math.log(base), 'base'),
  max: extreme(1),
  min: extreme(-1),
  modulo: operator('%'),
  multiply: operator('*'),
  negate: define([number('num')], numberType, ([v]) => applyOperator('negate', v as Value, v as Value)),
  not: define([bool('val')], boolType, ([v]) => boolValue(v?.content !== true)),
  notequal: equality(false),
  or: define([bool('a'), bool('b')], boolType, ([a, b]) =>
    boolValue(a?.content === true || b?.content === true),
  ),
  parseint,
  pow: real(power, 'power'),
  signum: define([number('num')], numberType, ([v]) => integerValue(Math.sign(integerArgument(v)))),
  subtract: operator('-'),
}
