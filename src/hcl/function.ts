import type { Diagnostic } from './diagnostic.ts'
import type { Budget } from './value/limit.ts'
import { dynamicType, type Type } from './value/type.ts'
import type { Value } from './value/value.ts'

/** A parameter of a function. */
export interface Parameter {
  readonly name: string
  /** What arguments are converted to; `expression` and `type` parameters take the unevaluated argument instead. */
  readonly type: Type | 'expression' | 'type'
  /** Whether `null` may be given. */
  readonly allowNull?: boolean
  /** Whether values that are not wholly known reach the function; without it, they make the result unknown. */
  readonly allowUnknown?: boolean
}

/** An argument as a function gets it: a value, a way to evaluate an expression, or a type. */
export type Argument = Value | ExpressionArgument | TypeArgument

/** An argument of an `expression` parameter. */
export interface ExpressionArgument {
  /** Evaluates the expression in its scope. */
  readonly evaluate: () => { readonly value: Value; readonly diagnostics: readonly Diagnostic[] }
}

/** An argument of a `type` parameter. */
export interface TypeArgument {
  readonly constraint: Type
}

/** A function that expressions can call. */
export interface HclFunction {
  readonly parameters: readonly Parameter[]
  /** Takes any number of further arguments. */
  readonly variadic?: Parameter
  /** The type of the result where it is the same for all arguments. */
  readonly returns?: Type
  /** What it does, one sentence. */
  readonly description?: string
  /** Computes the result; throws a `FunctionError`, or a `DiagnosticsError` for problems inside the function itself. */
  readonly call: (args: readonly Argument[], budget: Budget) => Value
}

/** Why a call failed; `argument` is the index of the one to blame. */
export class FunctionError extends Error {
  readonly argument: number | undefined

  constructor(message: string, argument?: number) {
    super(message)
    this.argument = argument
  }
}

/** A parameter of any type. */
export function anyParameter(name: string): Parameter {
  return { name, type: dynamicType }
}

/** A function of values: all parameters are value parameters. */
export function valueFunction(spec: {
  readonly parameters?: readonly Parameter[]
  readonly variadic?: Parameter
  readonly returns?: Type
  readonly description?: string
  readonly call: (args: readonly Value[], budget: Budget) => Value
}): HclFunction {
  return {
    ...spec,
    parameters: spec.parameters ?? [],
    call: (args, budget) => spec.call(args as readonly Value[], budget),
  }
}
