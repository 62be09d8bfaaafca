import { FunctionError, type HclFunction, type Parameter, valueFunction } from '../function.ts'
import { floatToNumber, isIntegral, truncateFloat } from '../value/big-float.ts'
import { type Budget } from '../value/limit.ts'
import { boolType, dynamicType, listType, numberType, stringType, type Type } from '../value/type.ts'
import { asFloat, asText, type Value } from '../value/value.ts'

/** The functions of a file, by name. */
export type FunctionTable = Readonly<Record<string, HclFunction>>

/** A string parameter. */
export function text(name: string): Parameter {
  return { name, type: stringType }
}

/** A number parameter. */
export function number(name: string): Parameter {
  return { name, type: numberType }
}

/** A bool parameter. */
export function bool(name: string): Parameter {
  return { name, type: boolType }
}

/** A parameter of any type. */
export function any(
  name: string,
  more: { readonly allowNull?: boolean; readonly allowUnknown?: boolean } = {},
): Parameter {
  return { name, type: dynamicType, ...more }
}

/** A list parameter; other sequences are converted to it. */
export function list(name: string, element: Type = dynamicType): Parameter {
  return { name, type: listType(element) }
}

/** A function with fixed parameters and a fixed result type. */
export function define(
  parameters: readonly Parameter[],
  returns: Type,
  call: (args: readonly Value[], budget: Budget) => Value,
): HclFunction {
  return valueFunction({ parameters, returns, call })
}

/** The argument as a 64-bit integer, or a `FunctionError` in the words of go-cty; past 2^53 it is only near. */
export function integerArgument(v: Value | undefined): number {
  return Number(wholeArgument(v))
}

/** The argument as an exact 64-bit integer, or a `FunctionError` in the words of go-cty. */
export function wholeArgument(v: Value | undefined): bigint {
  const float = asFloat(v as Value)
  const whole = isIntegral(float) ? truncateFloat(float) : undefined
  if (whole === undefined || whole > 9223372036854775807n || whole < -9223372036854775808n) {
    throw new FunctionError(
      'value must be a whole number, between -9223372036854775808 and 9223372036854775807',
    )
  }
  return whole
}

const largest = BigInt(Number.MAX_VALUE)

/** The argument as a JavaScript number; a `FunctionError` in the words of go-cty for finite numbers beyond its range. */
export function numberArgument(v: Value | undefined): number {
  const float = asFloat(v as Value)
  const near = floatToNumber(float)
  if (float.form === 'finite' && !Number.isFinite(near))
    throw new FunctionError(`value must be between -${largest}.000000 and ${largest}.000000 inclusive`)
  return near
}

/** The argument as text. */
export function textArgument(v: Value | undefined): string {
  return asText(v as Value)
}

/** Runs `body`; a `FunctionError` it throws gets the words put in front and the argument to blame. */
export function blame<T>(argument: number | undefined, prefix: string, body: () => T): T {
  try {
    return body()
  } catch (e) {
    if (e instanceof FunctionError) throw new FunctionError(prefix + e.message, argument)
    throw e
  }
}
