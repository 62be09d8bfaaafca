import { isSlipwayError } from '../../errors/slipway-error.ts'
import { DiagnosticsError } from '../../hcl/diagnostic.ts'
import { FunctionError } from '../../hcl/function.ts'
import type { Range } from '../../hcl/position.ts'
import { ConversionError } from '../../hcl/value/convert.ts'
import { LimitError } from '../../hcl/value/limit.ts'

/** Raised for a name that is not defined; where that is allowed, the evaluation itself will tell. */
export class UndefinedError extends Error {}

/** The failure as diagnostics: those it carries, or one with the summary and its message, about `subject`. */
export function asDiagnostics(
  e: unknown,
  summary: string,
  subject?: Range,
  context?: Range,
): DiagnosticsError {
  if (e instanceof DiagnosticsError) return e
  const place = {
    ...(subject === undefined ? {} : { subject }),
    ...(context === undefined ? {} : { context }),
  }
  if (e instanceof LimitError)
    return new DiagnosticsError([{ summary: 'Evaluation limit exceeded', detail: `${e.message}.`, ...place }])
  if (e instanceof RangeError) {
    return new DiagnosticsError([
      {
        summary: 'Evaluation limit exceeded',
        detail: 'Expressions refer to each other too deeply.',
        ...place,
      },
    ])
  }
  if (
    isSlipwayError(e) ||
    e instanceof UndefinedError ||
    e instanceof ConversionError ||
    e instanceof FunctionError
  ) {
    return new DiagnosticsError([{ summary, detail: e.message, ...place }])
  }
  throw e
}
