import type { BinaryOperator } from '../syntax/expression.ts'
import {
  addFloats,
  type BigFloat,
  bitLength,
  compareFloats,
  divideFloats,
  literalPrecision,
  makeFloat,
  multiplyFloats,
  negateFloat,
  NotANumberError,
  truncateFloat,
} from '../value/big-float.ts'
import { equalValues } from '../value/equal.ts'
import { boolType } from '../value/type.ts'
import { asFloat, boolValue, numberValue, unknownValue, type Value } from '../value/value.ts'

/** Applies an operator to known, non-null operands of its type; throws a `NotANumberError` that says what went wrong. */
export function applyOperator(operator: BinaryOperator | 'negate', left: Value, right: Value): Value {
  switch (operator) {
    case '==':
    case '!=': {
      const equal = equalValues(left, right)
      return equal === undefined ? unknownValue(boolType) : boolValue(equal === (operator === '=='))
    }
    case '||':
      return boolValue(left.content === true || right.content === true)
    case '&&':
      return boolValue(left.content === true && right.content === true)
    case 'negate':
      return numberValue(negateFloat(asFloat(left)))
    default:
      return arithmetic(operator, asFloat(left), asFloat(right))
  }
}

function arithmetic(
  operator: '>' | '>=' | '<' | '<=' | '+' | '-' | '*' | '/' | '%',
  a: BigFloat,
  b: BigFloat,
): Value {
  switch (operator) {
    case '>':
      return boolValue(compareFloats(a, b) > 0)
    case '>=':
      return boolValue(compareFloats(a, b) >= 0)
    case '<':
      return boolValue(compareFloats(a, b) < 0)
    case '<=':
      return boolValue(compareFloats(a, b) <= 0)
    case '+':
      return numberValue(checked(() => addFloats(a, b), "can't compute sum of opposing infinities"))
    case '-':
      return numberValue(checked(() => addFloats(a, negateFloat(b)), "can't subtract infinity from itself"))
    case '*':
      return numberValue(checked(() => product(a, b), "can't multiply zero by infinity"))
    case '/':
      return numberValue(
        checked(() => divideFloats(a, b), "can't divide zero by zero or infinity by infinity"),
      )
    case '%':
      return numberValue(checked(() => remainder(a, b), "can't use modulo with zero and infinity"))
  }
}

function checked(compute: () => BigFloat, message: string): BigFloat {
  try {
    return compute()
  } catch (e) {
    if (e instanceof NotANumberError) throw new NotANumberError(message)
    throw e
  }
}

/** Products are computed at 512 bits and keep what precision they need, at least that of the operands. */
function product(a: BigFloat, b: BigFloat): BigFloat {
  const exact = multiplyFloats(a, b, literalPrecision)
  return { ...exact, precision: Math.max(a.precision, b.precision, bitLength(exact.mantissa)) }
}

function remainder(a: BigFloat, b: BigFloat): BigFloat {
  if (b.form === 'zero') return a
  const whole = truncateFloat(divideFloats(a, b))
  if (whole === undefined) throw new NotANumberError('infinity')
  const times = makeFloat(whole < 0n, whole < 0n ? -whole : whole, 0, a.precision)
  const rest = addFloats(a, negateFloat(multiplyFloats(b, times, a.precision)))
  return rest.form === 'finite' ? makeFloat(rest.negative, rest.mantissa, rest.exponent, a.precision) : rest
}
