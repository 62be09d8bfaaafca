import { type Diagnostics, DiagnosticsError } from '../../hcl/diagnostic.ts'
import { childContext, type EvalContext } from '../../hcl/eval/context.ts'
import { evaluate } from '../../hcl/eval/evaluate.ts'
import { keywordOf, staticList } from '../../hcl/eval/static.ts'
import type { Expression } from '../../hcl/expression.ts'
import { anyParameter, type HclFunction } from '../../hcl/function.ts'
import { tupleValue, type Value } from '../../hcl/value/value.ts'
import type { FunctionBlock } from './inputs.ts'

/** The names that a function gives its arguments; the one that takes all further arguments is apart. */
export interface ParameterNames {
  readonly names: readonly string[]
  readonly variadic: string | undefined
}

/** Reads the parameter names of a `function` block; what is no plain name is reported. */
export function parameterNames(f: FunctionBlock, diagnostics: Diagnostics): ParameterNames {
  const report = (subject: Expression['range']): void => {
    diagnostics.push({
      summary: 'Invalid param element',
      detail: 'Each parameter name must be an identifier.',
      subject,
    })
  }
  const names: string[] = []
  for (const e of (f.params && staticList(f.params.expression, diagnostics)) ?? []) {
    const name = keywordOf(e)
    if (name === undefined) report(e.range)
    else names.push(name)
  }
  const variadic = f.variadic && keywordOf(f.variadic.expression)
  if (f.variadic !== undefined && variadic === undefined) report(f.variadic.range)
  return { names, variadic }
}

/** A function whose result is an expression over its parameters and the names of the file. */
export function userFunction(
  { names, variadic }: ParameterNames,
  result: Expression,
  outer: EvalContext,
): HclFunction {
  return {
    parameters: names.map(anyParameter),
    ...(variadic === undefined ? {} : { variadic: anyParameter(variadic) }),
    call: args => {
      const variables = new Map(names.map((name, i) => [name, args[i] as Value]))
      if (variadic !== undefined) variables.set(variadic, tupleValue(args.slice(names.length) as Value[]))
      const diagnostics: Diagnostics = []
      const value = evaluate(result, childContext(outer, variables), diagnostics)
      if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
      return value
    },
  }
}
