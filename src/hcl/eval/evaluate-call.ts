import { type Diagnostics, DiagnosticsError, formatDiagnostics } from '../diagnostic.ts'
import { type Argument, FunctionError, type HclFunction, type Parameter } from '../function.ts'
import { type CallExpression, type NativeExpression, startRange } from '../syntax/expression.ts'
import { typeConstraint } from '../type-expression.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { newBudget } from '../value/limit.ts'
import { dynamicType, isSequence } from '../value/type.ts'
import {
  asArray,
  dynamicValue,
  isKnown,
  isNull,
  isWhollyKnown,
  unknownValue,
  type Value,
} from '../value/value.ts'
import { type EvalContext, findFunction } from './context.ts'
import { evaluate } from './evaluate.ts'
import { reportUnknownFunction } from './unknown-function.ts'

/** The value of `name(args…)`. */
export function evaluateCall(
  e: CallExpression,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const f = findFunction(context, e.name)
  if (f === undefined || context === undefined) {
    reportUnknownFunction(e, context, diagnostics)
    return dynamicValue
  }
  const before = diagnostics.length
  const args = expandArguments(e, context, diagnostics)
  if (args === undefined || !checkCount(e, f, args, diagnostics)) return dynamicValue
  const values = args.map((arg, i) => convertArgument(arg, parameterAt(f, i), e, context, diagnostics))
  if (diagnostics.length > before) return dynamicValue
  return invoke(f, values, args, e, context, diagnostics)
}

function parameterAt(f: HclFunction, i: number): Parameter {
  return (f.parameters[i] ?? f.variadic) as Parameter
}

/** The argument expressions, with `last...` replaced by its elements; `undefined` when they cannot be told. */
function expandArguments(
  e: CallExpression,
  context: EvalContext,
  diagnostics: Diagnostics,
): readonly NativeExpression[] | undefined {
  const last = e.args.at(-1)
  if (!e.expand || last === undefined) return e.args
  const before = diagnostics.length
  const value = evaluate(last, context, diagnostics)
  if (diagnostics.length > before) return undefined
  const fail = (what: string): undefined => {
    const detail = `The expanding argument (indicated by ...) must ${what}.`
    diagnostics.push({
      summary: 'Invalid expanding argument value',
      detail,
      subject: last.range,
      context: e.range,
    })
    return undefined
  }
  if (value.type.kind !== 'dynamic' && !isSequence(value.type))
    return fail('be of a tuple, list, or set type')
  if (isNull(value)) return fail('not be null')
  if (!isKnown(value)) return undefined
  const expanded = asArray(value).map(
    (v): NativeExpression => ({ kind: 'literal', value: v, range: last.range }),
  )
  return [...e.args.slice(0, -1), ...expanded]
}

function checkCount(
  e: CallExpression,
  f: HclFunction,
  args: readonly NativeExpression[],
  diagnostics: Diagnostics,
): boolean {
  const missing = f.parameters[args.length]
  const count = f.parameters.length
  if (missing !== undefined) {
    const least = f.variadic === undefined ? '' : ' at least'
    const detail = `Function ${goQuote(e.name)} expects${least} ${count} argument(s). Missing value for ${goQuote(missing.name)}.`
    diagnostics.push({ summary: 'Not enough function arguments', detail, subject: e.close, context: e.range })
    return false
  }
  const extra = f.variadic === undefined ? args[count] : undefined
  if (extra === undefined) return true
  const detail = `Function ${goQuote(e.name)} expects only ${count} argument(s).`
  diagnostics.push({
    summary: 'Too many function arguments',
    detail,
    subject: startRange(extra),
    context: e.range,
  })
  return false
}

function convertArgument(
  arg: NativeExpression,
  p: Parameter,
  e: CallExpression,
  context: EvalContext,
  diagnostics: Diagnostics,
): Argument {
  if (p.type === 'expression') {
    return {
      evaluate: () => {
        const found: Diagnostics = []
        return { value: evaluate(arg, context, found), diagnostics: found }
      },
    }
  }
  if (p.type === 'type') return { constraint: typeConstraint(arg, diagnostics) }
  const value = evaluate(arg, context, diagnostics)
  try {
    return convertValue(value, p.type)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    diagnostics.push(invalidArgument(p, error.message, arg, e))
    return dynamicValue
  }
}

function invalidArgument(
  p: Parameter,
  why: string,
  arg: NativeExpression,
  e: CallExpression,
): Diagnostics[number] {
  const detail = `Invalid value for ${goQuote(p.name)} parameter: ${why}.`
  return { summary: 'Invalid function argument', detail, subject: startRange(arg), context: e.range }
}

function invoke(
  f: HclFunction,
  values: readonly Argument[],
  args: readonly NativeExpression[],
  e: CallExpression,
  context: EvalContext,
  diagnostics: Diagnostics,
): Value {
  try {
    return callFunction(f, values, context.budget)
  } catch (error) {
    if (
      !(
        error instanceof FunctionError ||
        error instanceof ConversionError ||
        error instanceof DiagnosticsError
      )
    )
      throw error
    const at = error instanceof FunctionError ? error.argument : undefined
    const why = error instanceof DiagnosticsError ? formatDiagnostics(error.diagnostics) : error.message
    const arg = at === undefined ? undefined : args[at]
    if (
      at !== undefined &&
      (arg !== undefined || f.parameters[at] !== undefined || f.variadic !== undefined)
    ) {
      const d = invalidArgument(parameterAt(f, at), why, arg ?? e, e)
      diagnostics.push(arg === undefined ? { ...d, subject: e.range } : d)
    } else {
      const detail = `Call to function ${goQuote(e.name)} failed: ${why}.`
      diagnostics.push({
        summary: 'Error in function call',
        detail,
        subject: startRange(e),
        context: e.range,
      })
    }
    return dynamicValue
  }
}

/** Calls a function with converted arguments: nulls are refused and unknown ones make the result unknown, unless allowed. */
export function callFunction(f: HclFunction, args: readonly Argument[], budget = newBudget()): Value {
  let unknown = false
  for (const [i, arg] of args.entries()) {
    const p = parameterAt(f, i)
    if (!('content' in arg)) continue
    if (isNull(arg) && p.allowNull !== true) throw new FunctionError('argument must not be null', i)
    if (p.allowUnknown !== true && !isWhollyKnown(arg)) unknown = true
  }
  return unknown ? unknownValue(f.returns ?? dynamicType) : f.call(args, budget)
}
