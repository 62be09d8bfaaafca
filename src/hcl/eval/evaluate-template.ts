import type { Diagnostics } from '../diagnostic.ts'
import type { Range } from '../position.ts'
import type { NativeExpression } from '../syntax/expression.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { takeSize } from '../value/limit.ts'
import { stringType } from '../value/type.ts'
import { asArray, asText, isKnown, isNull, stringValue, unknownValue, type Value } from '../value/value.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'

/** The text of a template. */
export function evaluateTemplate(
  e: NativeExpression & { kind: 'template' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const texts: string[] = []
  let known = true
  for (const part of e.parts) {
    const value = evaluate(part, context, diagnostics)
    const fail = (detail: string): void => reportPart(detail, part.range, e.range, diagnostics)
    if (isNull(value))
      fail('The expression result is null. Cannot include a null value in a string template.')
    else if (!isKnown(value)) known = false
    else
      addText(value, texts, context, why =>
        fail(`Cannot include the given value in a string template: ${why}.`),
      )
  }
  return known ? stringValue(texts.join('')) : unknownValue(stringType)
}

/** The texts that a `%{ for }` directive makes, joined. */
export function evaluateJoin(
  e: NativeExpression & { kind: 'template-join' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const tuple = evaluate(e.tuple, context, diagnostics)
  if (tuple.type.kind !== 'tuple' || !isKnown(tuple)) return unknownValue(stringType)
  const texts: string[] = []
  for (const value of asArray(tuple)) {
    const fail = (detail: string): void => reportPart(detail, e.range, e.range, diagnostics)
    if (isNull(value)) fail('An iteration result is null. Cannot include a null value in a string template.')
    else if (!isKnown(value)) return unknownValue(stringType)
    else
      addText(value, texts, context, why =>
        fail(`Cannot include one of the interpolation results into the string template: ${why}.`),
      )
  }
  return stringValue(texts.join(''))
}

function addText(
  value: Value,
  texts: string[],
  context: EvalContext | undefined,
  fail: (why: string) => void,
): void {
  try {
    const text = asText(convertValue(value, stringType))
    if (context !== undefined) takeSize(context.budget, text.length)
    texts.push(text)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    fail(error.message)
  }
}

function reportPart(detail: string, subject: Range, context: Range, diagnostics: Diagnostics): void {
  diagnostics.push({ summary: 'Invalid template interpolation value', detail, subject, context })
}
