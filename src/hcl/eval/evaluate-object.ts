import type { Diagnostics } from '../diagnostic.ts'
import type { NativeExpression } from '../syntax/expression.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { stringType } from '../value/type.ts'
import {
  asText,
  dynamicValue,
  isKnown,
  isNull,
  objectValue,
  stringValue,
  type Value,
} from '../value/value.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'
import { keywordOf } from './static.ts'

/** The value of `{ key = value … }`; of a key given twice the later value counts. */
export function evaluateObject(
  e: NativeExpression & { kind: 'object' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const entries = new Map<string, Value>()
  let known = true
  for (const item of e.items) {
    const before = diagnostics.length
    const key = evaluate(item.key, context, diagnostics)
    const badKey = diagnostics.length > before
    const value = evaluate(item.value, context, diagnostics)
    const name = badKey ? undefined : keyText(key, item.key, item.value, diagnostics)
    if (name === undefined) known = false
    else entries.set(name, value)
  }
  return known ? objectValue(entries) : dynamicValue
}

function keyText(
  key: Value,
  keyExpression: NativeExpression,
  value: NativeExpression,
  diagnostics: Diagnostics,
): string | undefined {
  if (isNull(key)) {
    diagnostics.push({
      summary: 'Null value as key',
      detail: "Can't use a null value as a key.",
      subject: value.range,
    })
    return undefined
  }
  try {
    const text = convertValue(key, stringType)
    return isKnown(text) ? asText(text) : undefined
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    const detail = `Can't use this value as a key: ${error.message}.`
    diagnostics.push({ summary: 'Incorrect key type', detail, subject: keyExpression.range })
    return undefined
  }
}

/** The value of an object key: a bare name stands for itself, anything else for its value. */
export function evaluateKey(
  e: NativeExpression & { kind: 'object-key' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  if (!e.forced) {
    if (e.wrapped.kind === 'variable' && e.wrapped.traversal.length > 1) {
      diagnostics.push({
        summary: 'Ambiguous attribute key',
        detail:
          "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal name containing periods, wrap it in quotes to create a string literal.",
        subject: e.range,
      })
      return dynamicValue
    }
    const name = keywordOf(e.wrapped)
    if (name !== undefined) return stringValue(name)
  }
  return evaluate(e.wrapped, context, diagnostics)
}
