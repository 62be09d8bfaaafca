import type { Diagnostics } from '../../hcl/diagnostic.ts'
import { DiagnosticsError } from '../../hcl/diagnostic.ts'
import type { Expression } from '../../hcl/expression.ts'
import { ConversionError, convertValue } from '../../hcl/value/convert.ts'
import { boolType } from '../../hcl/value/type.ts'
import { isNull, nullDynamic, type Value } from '../../hcl/value/value.ts'
import type { Validation, VariableBlock } from './inputs.ts'
import type { Names } from './names.ts'

/** Checks the values of variables against their `validation` blocks; throws a `DiagnosticsError` with all that fail. */
export function validateVariables(variables: Iterable<VariableBlock>, names: Names): void {
  const diagnostics: Diagnostics = []
  for (const v of variables) for (const rule of v.validations) checkRule(rule, names, diagnostics)
  if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
}

function checkRule(rule: Validation, names: Names, diagnostics: Diagnostics): void {
  const subject = rule.condition?.range ?? rule.body.missingItemRange()
  const result = value(rule.condition, names, diagnostics)
  if (result === undefined) return
  const invalid = (detail: string): void =>
    void diagnostics.push({ summary: 'Invalid condition result', detail, subject })
  if (isNull(result)) return invalid('Condition expression must return either true or false, not null.')
  try {
    if (convertValue(result, boolType).content === true) return
  } catch (e) {
    if (e instanceof ConversionError) return invalid(`Invalid condition result value: ${e.message}`)
    throw e
  }
  const message = value(rule.message, names, diagnostics)
  if (message === undefined) return
  const text =
    typeof message.content === 'string'
      ? message.content
      : 'This check failed, but has an invalid error message.'
  diagnostics.push({ summary: 'Validation failed', detail: text, subject })
}

function value(e: Expression | undefined, names: Names, diagnostics: Diagnostics): Value | undefined {
  if (e === undefined) return nullDynamic
  try {
    names.load(e, names.scope, true)
    return names.evaluate(e, names.scope)
  } catch (error) {
    if (!(error instanceof DiagnosticsError)) throw error
    for (const d of error.diagnostics) diagnostics.push(d)
    return undefined
  }
}
