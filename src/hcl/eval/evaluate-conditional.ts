import type { Diagnostics } from '../diagnostic.ts'
import { rangeBetween } from '../position.ts'
import type { ConditionalExpression, NativeExpression } from '../syntax/expression.ts'
import { type Conversion, ConversionError, conversionFor, convertValue } from '../value/convert.ts'
import { boolType, dynamicType, type Type } from '../value/type.ts'
import { unifyTypes } from '../value/unify.ts'
import { dynamicValue, isKnown, isNull, nullValue, unknownValue, type Value } from '../value/value.ts'
import { describeMismatch } from './conditional-mismatch.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'

/** The value of `condition ? yes : no`: both sides are computed and must have a common type, one is taken. */
export function evaluateConditional(
  e: ConditionalExpression,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const yesFound: Diagnostics = []
  const noFound: Diagnostics = []
  const yes = evaluate(e.yes, context, yesFound)
  const no = evaluate(e.no, context, noFound)
  const common = commonType(yes, no)
  if (common === undefined) {
    diagnostics.push({
      summary: 'Inconsistent conditional result types',
      detail: `The true and false result expressions must have consistent types. ${describeMismatch(yes.type, no.type)}.`,
      subject: rangeBetween(e.yes.range, e.no.range),
      context: e.range,
    })
    return dynamicValue
  }
  const choice = condition(e, evaluate(e.condition, context, diagnostics), diagnostics)
  if (choice === 'wrong') return unknownValue(common.type)
  if (choice === 'unknown') {
    return isNull(yes) && isNull(no) ? nullValue(common.type) : unknownValue(common.type)
  }
  for (const d of choice ? yesFound : noFound) diagnostics.push(d)
  const [value, branch, conversion] = choice
    ? ([yes, e.yes, common.yes] as const)
    : ([no, e.no, common.no] as const)
  return conversion === null
    ? value
    : convertBranch(value, conversion, branch, choice, e, common.type, diagnostics)
}

interface Common {
  readonly type: Type
  readonly yes: Conversion | null
  readonly no: Conversion | null
}

function commonType(yes: Value, no: Value): Common | undefined {
  if (isNull(yes) && yes.type.kind === 'dynamic') {
    return { type: no.type, yes: conversionFor(dynamicType, no.type, true) ?? null, no: null }
  }
  if (isNull(no) && no.type.kind === 'dynamic') {
    return { type: yes.type, yes: null, no: conversionFor(dynamicType, yes.type, true) ?? null }
  }
  if (yes.type.kind === 'dynamic' || no.type.kind === 'dynamic')
    return { type: dynamicType, yes: null, no: null }
  const unified = unifyTypes([yes.type, no.type], true)
  return (
    unified && { type: unified.type, yes: unified.conversions[0] ?? null, no: unified.conversions[1] ?? null }
  )
}

/** Which side is taken, as far as that is known and can be told. */
function condition(
  e: ConditionalExpression,
  value: Value,
  diagnostics: Diagnostics,
): boolean | 'unknown' | 'wrong' {
  const subject = e.condition.range
  if (isNull(value)) {
    const detail = 'The condition value is null. Conditions must either be true or false.'
    diagnostics.push({ summary: 'Null condition', detail, subject, context: e.range })
    return 'wrong'
  }
  if (!isKnown(value)) return 'unknown'
  try {
    return convertValue(value, boolType).content === true
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    const detail = 'The condition expression must be of type bool.'
    diagnostics.push({ summary: 'Incorrect condition type', detail, subject, context: e.range })
    return 'wrong'
  }
}

function convertBranch(
  value: Value,
  conversion: Conversion,
  branch: NativeExpression,
  choice: boolean,
  e: ConditionalExpression,
  type: Type,
  diagnostics: Diagnostics,
): Value {
  try {
    return conversion(value)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    const detail = `The ${choice} result value has the wrong type: ${error.message}.`
    diagnostics.push({
      summary: 'Inconsistent conditional result types',
      detail,
      subject: branch.range,
      context: e.range,
    })
    return unknownValue(type)
  }
}
