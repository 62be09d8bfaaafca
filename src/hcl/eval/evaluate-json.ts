import type { Diagnostics } from '../diagnostic.ts'
import type { JsonExprNode } from '../json/node.ts'
import { formatRange, type Range } from '../position.ts'
import type { NativeExpression } from '../syntax/expression.ts'
import { parseTemplateText } from '../syntax/parse.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { stringType } from '../value/type.ts'
import {
  asText,
  boolValue,
  dynamicValue,
  isKnown,
  isNull,
  nullDynamic,
  numberValue,
  objectValue,
  stringValue,
  tupleValue,
  type Value,
} from '../value/value.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'

type JsonString = JsonExprNode & { kind: 'string' }

/** The value of a JSON node; strings are templates, but only where there is a context to evaluate them in. */
export function evaluateJson(
  node: JsonExprNode,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  switch (node.kind) {
    case 'string':
      return evaluateString(node, context, diagnostics)
    case 'number':
      return numberValue(node.value)
    case 'bool':
      return boolValue(node.value)
    case 'array':
      return tupleValue(node.items.map(item => evaluateJson(item, context, diagnostics)))
    case 'object':
      return evaluateMembers(node, context, diagnostics)
    case 'null':
      return nullDynamic
    case 'invalid':
      return dynamicValue
  }
}

function evaluateString(node: JsonString, context: EvalContext | undefined, diagnostics: Diagnostics): Value {
  if (context === undefined || !/[$%]/.test(node.value)) return stringValue(node.value)
  const before = diagnostics.length
  const template = jsonTemplate(node, diagnostics)
  return diagnostics.length > before ? dynamicValue : evaluate(template, context, diagnostics)
}

/** The template that a JSON string holds; positions in it are those of the file unless the string has escapes. */
export function jsonTemplate(node: JsonString, diagnostics: Diagnostics): NativeExpression {
  const { filename, start } = node.range
  const inside = { byte: start.byte + 1, line: start.line, column: start.column + 1 }
  return parseTemplateText(node.value, filename, inside, diagnostics)
}

function evaluateMembers(
  node: JsonExprNode & { kind: 'object' },
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const entries = new Map<string, Value>()
  const places = new Map<string, Range>()
  let known = true
  for (const member of node.members) {
    const key = evaluateString(
      { kind: 'string', value: member.name, range: member.nameRange },
      context,
      diagnostics,
    )
    const value = evaluateJson(member.value, context, diagnostics)
    const fail = (detail: string, summary = 'Invalid object key expression'): void => {
      diagnostics.push({ summary, detail, subject: member.nameRange })
    }
    let name: Value | undefined
    try {
      name = convertValue(key, stringType)
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error
      fail(`Cannot use this expression as an object key: ${error.message}.`)
    }
    if (name === undefined) continue
    if (isNull(name)) fail('Cannot use null value as an object key.')
    else if (!isKnown(name)) known = false
    else {
      const text = asText(name)
      const place = places.get(text)
      if (place !== undefined) {
        const detail = `An attribute named ${goQuote(text)} was already defined at ${formatRange(place)}.`
        fail(detail, 'Duplicate object attribute')
        continue
      }
      entries.set(text, value)
      places.set(text, member.nameRange)
    }
  }
  return known ? objectValue(entries) : dynamicValue
}
