import type { Diagnostics } from '../diagnostic.ts'
import type { NativeExpression } from '../syntax/expression.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { NotANumberError } from '../value/big-float.ts'
import { takeStep } from '../value/limit.ts'
import { boolType, dynamicType, numberType, type Type } from '../value/type.ts'
import {
  boolValue,
  falseValue,
  isKnown,
  isNull,
  trueValue,
  unknownValue,
  type Value,
} from '../value/value.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'
import { applyOperator } from './operator.ts'

type Binary = NativeExpression & { kind: 'binary' }

/** The value of `a op b op c…`; chains are followed in a loop, so that their length costs no stack. */
export function evaluateBinary(e: Binary, context: EvalContext | undefined, diagnostics: Diagnostics): Value {
  const chain: Binary[] = []
  let first: NativeExpression = e
  while (first.kind === 'binary') {
    chain.push(first)
    first = first.left
  }
  let found: Diagnostics = []
  let left = evaluate(first, context, found)
  for (const node of chain.reverse()) {
    if (context !== undefined) takeStep(context.budget)
    const result = evaluateStep(node, left, found, context)
    left = result.value
    found = result.diagnostics
  }
  for (const d of found) diagnostics.push(d)
  return left
}

interface StepResult {
  readonly value: Value
  readonly diagnostics: Diagnostics
}

function evaluateStep(
  e: Binary,
  given: Value,
  leftFound: Diagnostics,
  context: EvalContext | undefined,
): StepResult {
  const logical = e.operator === '||' || e.operator === '&&'
  const wanted: Type = logical
    ? boolType
    : e.operator === '==' || e.operator === '!='
      ? dynamicType
      : numberType
  const unsuitable: Diagnostics = []
  const left = operand(given, wanted, 'left', e.left, e, unsuitable)
  const rightFound: Diagnostics = []
  const right = operand(evaluate(e.right, context, rightFound), wanted, 'right', e.right, e, unsuitable)
  const unknown = unknownValue(
    logical || wanted.kind === 'dynamic' || '<=>='.includes(e.operator) ? boolType : numberType,
  )
  if (unsuitable.length > 0)
    return { value: unknown, diagnostics: [...unsuitable, ...leftFound, ...rightFound] }
  if (logical) {
    const short = shortCircuit(e.operator === '||', left, right, leftFound, rightFound)
    if (short !== undefined) return short
  }
  const found = [...leftFound, ...rightFound]
  if (found.length > 0) return { value: unknown, diagnostics: found }
  return operate(e, left, right, unknown)
}

function operate(e: Binary, left: Value, right: Value, unknown: Value): StepResult {
  const equality = e.operator === '==' || e.operator === '!='
  let problem: string | undefined
  if (!equality && (isNull(left) || isNull(right))) problem = 'argument must not be null'
  else if (!equality && (!isKnown(left) || !isKnown(right))) return { value: unknown, diagnostics: [] }
  else {
    try {
      return { value: applyOperator(e.operator, left, right), diagnostics: [] }
    } catch (error) {
      if (!(error instanceof NotANumberError)) throw error
      problem = error.message
    }
  }
  const detail = `Error during operation: ${problem}.`
  return { value: unknown, diagnostics: [{ summary: 'Operation failed', detail, subject: e.range }] }
}

function operand(
  v: Value,
  wanted: Type,
  side: string,
  e: NativeExpression,
  whole: NativeExpression,
  diagnostics: Diagnostics,
): Value {
  try {
    return convertValue(v, wanted)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    const detail = `Unsuitable value for ${side} operand: ${error.message}.`
    diagnostics.push({ summary: 'Invalid operand', detail, subject: e.range, context: whole.range })
    return unknownValue(wanted)
  }
}

/** `||` and `&&` need only the side that decides, null being false; what is wrong with the other is then not reported. */
function shortCircuit(
  or: boolean,
  left: Value,
  right: Value,
  leftFound: Diagnostics,
  rightFound: Diagnostics,
): StepResult | undefined {
  const unknown = unknownValue(boolType)
  if (!isKnown(left) && !isKnown(right))
    return leftFound.length === 0 ? { value: unknown, diagnostics: leftFound } : undefined
  const decisive = or ? trueValue : falseValue
  if (isKnown(left) && (left.content === true) === or) return { value: decisive, diagnostics: leftFound }
  if (isKnown(right) && (right.content === true) === or) return { value: decisive, diagnostics: rightFound }
  if (!isKnown(left)) return { value: unknown, diagnostics: leftFound }
  if (!isKnown(right)) return { value: unknown, diagnostics: rightFound }
  return undefined
}

/** The value of `-a` or `!a`. */
export function evaluateUnary(
  e: NativeExpression & { kind: 'unary' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const wanted = e.operator === '-' ? numberType : boolType
  const before = diagnostics.length
  const value = operand(evaluate(e.operand, context, diagnostics), wanted, 'unary', e.operand, e, diagnostics)
  if (diagnostics.length > before || !isKnown(value)) return unknownValue(wanted)
  if (isNull(value)) {
    diagnostics.push({
      summary: 'Operation failed',
      detail: 'Error during operation: argument must not be null.',
      subject: e.range,
    })
    return unknownValue(wanted)
  }
  return e.operator === '-' ? applyOperator('negate', value, value) : boolValue(value.content !== true)
}
