import type { Diagnostics } from '../diagnostic.ts'
import { rangeBetween } from '../position.ts'
import type { SplatExpression } from '../syntax/expression.ts'
import { newBudget, takeSize } from '../value/limit.ts'
import { isSequence, listType, sameType, type Type, tupleType } from '../value/type.ts'
import {
  asArray,
  dynamicValue,
  elementType,
  isKnown,
  isNull,
  listValue,
  tupleValue,
  unknownValue,
  type Value,
} from '../value/value.ts'
import type { EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'

/** The value of `source[*]…`: what is no sequence is taken as a sequence of one, and null as an empty one. */
export function evaluateSplat(
  e: SplatExpression,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const before = diagnostics.length
  const source = evaluate(e.source, context, diagnostics)
  if (diagnostics.length > before) return dynamicValue
  const outer = context ?? { budget: newBudget() }
  const single = !isSequence(source.type)
  if (isNull(source)) {
    if (single) return tupleValue([])
    const detail = 'Splat expressions (with the * symbol) cannot be applied to null sequences.'
    const wide = rangeBetween(e.source.range, e.marker)
    diagnostics.push({ summary: 'Splat of null value', detail, subject: e.source.range, context: wide })
    return dynamicValue
  }
  if (source.type.kind === 'dynamic') return dynamicValue
  if (single && !isKnown(source)) {
    evaluate(e.each, { ...outer, item: source }, diagnostics)
    return dynamicValue
  }
  if (!isKnown(source)) return unknownValue(resultType(e, source, outer, diagnostics))
  const isList = source.type.kind === 'list' || source.type.kind === 'set'
  const atItems = diagnostics.length
  const values = (single ? [source] : asArray(source)).map(item => {
    takeSize(outer.budget, 1)
    return evaluate(e.each, { ...outer, item }, diagnostics)
  })
  if (diagnostics.length > atItems) {
    return unknownValue(resultType(e, single ? tupleValue([source]) : source, outer, []))
  }
  if (!isList) return tupleValue(values)
  const [first] = values
  if (first === undefined) {
    const type = resultType(e, source, outer, diagnostics)
    return listValue([], type.kind === 'list' ? type.element : type)
  }
  if (values.every(v => sameType(v.type, first.type))) return listValue(values)
  diagnostics.push({
    summary: 'Invalid nested splat expressions',
    detail:
      "The second level of splat expression produced elements of different types, so it isn't possible to construct a valid list to represent the top-level result.\n\nConsider using a for expression instead, to produce a tuple-typed result which can therefore have non-homogenous element types.",
    subject: e.each.range,
    context: e.range,
  })
  return dynamicValue
}

/** The type the splat would have for known items, told from their types alone. */
function resultType(e: SplatExpression, source: Value, outer: EvalContext, diagnostics: Diagnostics): Type {
  const of = (type: Type): Type => evaluate(e.each, { ...outer, item: unknownValue(type) }, diagnostics).type
  return source.type.kind === 'tuple'
    ? tupleType(source.type.elements.map(of))
    : listType(of(elementType(source)))
}
