import type { Diagnostics } from '../diagnostic.ts'
import type { Expression } from '../expression.ts'
import { suggestName } from '../suggest.ts'
import type { Traversal, TraversalStep } from '../syntax/expression.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { takeStep } from '../value/limit.ts'
import { dynamicValue, tupleValue, type Value } from '../value/value.ts'
import { type EvalContext, findVariable, variableNames } from './context.ts'
import { evaluateBinary, evaluateUnary } from './evaluate-operator.ts'
import { evaluateCall } from './evaluate-call.ts'
import { evaluateConditional } from './evaluate-conditional.ts'
import { evaluateFor } from './evaluate-for.ts'
import { evaluateJson } from './evaluate-json.ts'
import { evaluateKey, evaluateObject } from './evaluate-object.ts'
import { evaluateSplat } from './evaluate-splat.ts'
import { evaluateJoin, evaluateTemplate } from './evaluate-template.ts'
import { indexValue, traverse } from './traverse.ts'

/**
 * The value of an expression; problems are added to the diagnostics and leave unknown values behind. Without a context
 * only constants have a value. Throws nothing but a `LimitError` when the context's budget is used up.
 */
export function evaluate(e: Expression, context: EvalContext | undefined, diagnostics: Diagnostics): Value {
  if (context !== undefined) takeStep(context.budget)
  switch (e.kind) {
    case 'literal':
    case 'static':
      return e.value
    case 'variable':
      return evaluateVariable(e.traversal, context, diagnostics)
    case 'traversal': {
      const source = evaluate(e.source, context, diagnostics)
      return traverse(source, e.steps, diagnostics)
    }
    case 'call':
      return evaluateCall(e, context, diagnostics)
    case 'conditional':
      return evaluateConditional(e, context, diagnostics)
    case 'index': {
      const collection = evaluate(e.collection, context, diagnostics)
      const key = evaluate(e.key, context, diagnostics)
      return indexValue(collection, key, e.bracket, diagnostics)
    }
    case 'tuple':
      return tupleValue(e.items.map(item => evaluate(item, context, diagnostics)))
    case 'object':
      return evaluateObject(e, context, diagnostics)
    case 'object-key':
      return evaluateKey(e, context, diagnostics)
    case 'for':
      return evaluateFor(e, context, diagnostics)
    case 'splat':
      return evaluateSplat(e, context, diagnostics)
    case 'item':
      return context?.item ?? dynamicValue
    case 'template':
      return evaluateTemplate(e, context, diagnostics)
    case 'template-join':
      return evaluateJoin(e, context, diagnostics)
    case 'template-wrap':
      return evaluate(e.wrapped, context, diagnostics)
    case 'binary':
      return evaluateBinary(e, context, diagnostics)
    case 'unary':
      return evaluateUnary(e, context, diagnostics)
    case 'parentheses':
      return evaluate(e.inner, context, diagnostics)
    case 'syntax-error':
      for (const d of e.diagnostics) diagnostics.push(d)
      return dynamicValue
    case 'json':
      return evaluateJson(e.node, context, diagnostics)
  }
}

function evaluateVariable(
  traversal: Traversal,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const root = traversal[0] as TraversalStep & { kind: 'root' }
  const value = findVariable(context, root.name)
  if (value !== undefined) return traverse(value, traversal.slice(1), diagnostics)
  diagnostics.push(unknownVariable(root, context))
  return dynamicValue
}

function unknownVariable(
  root: TraversalStep & { kind: 'root' },
  context: EvalContext | undefined,
): Diagnostics[number] {
  let scoped = false
  for (let c = context; c !== undefined; c = c.parent) scoped ||= c.variables !== undefined
  if (!scoped)
    return {
      summary: 'Variables not allowed',
      detail: 'Variables may not be used here.',
      subject: root.range,
    }
  const hint = suggestName(root.name, variableNames(context))
  return {
    summary: 'Unknown variable',
    detail: `There is no variable named ${goQuote(root.name)}.${hint}`,
    subject: root.range,
  }
}
