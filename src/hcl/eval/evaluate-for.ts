import type { Diagnostics } from '../diagnostic.ts'
import type { ForExpression, NativeExpression } from '../syntax/expression.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { newBudget, takeSize } from '../value/limit.ts'
import { boolType, stringType, type Type } from '../value/type.ts'
import { typeName } from '../value/type-name.ts'
import {
  asText,
  canIterate,
  dynamicValue,
  entriesOf,
  isKnown,
  isNull,
  objectValue,
  tupleValue,
  type Value,
} from '../value/value.ts'
import { childContext, type EvalContext } from './context.ts'
import { evaluate } from './evaluate.ts'

/** The value of `[for …]` or `{for …}`. */
export function evaluateFor(
  e: ForExpression,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): Value {
  const outer = context ?? { budget: newBudget() }
  const collection = evaluate(e.collection, context, diagnostics)
  if (isNull(collection)) {
    report(
      e,
      e.collection,
      'Iteration over null value',
      "A null value cannot be used as the collection in a 'for' expression.",
      diagnostics,
    )
    return dynamicValue
  }
  if (collection.type.kind === 'dynamic') return dynamicValue
  if (!canIterate(collection) && (isKnown(collection) || isScalar(collection.type))) {
    const detail = `A value of type ${typeName(collection.type)} cannot be used as the collection in a 'for' expression.`
    report(e, e.collection, 'Iteration over non-iterable value', detail, diagnostics)
    return dynamicValue
  }
  if (e.condition !== undefined && !tryCondition(e, e.condition, outer, diagnostics)) return dynamicValue
  if (!isKnown(collection)) return dynamicValue
  return new Loop(e, outer, diagnostics).run(collection)
}

function isScalar(type: Type): boolean {
  return type.kind === 'string' || type.kind === 'number' || type.kind === 'bool' || type.kind === 'capsule'
}

function report(
  e: ForExpression,
  at: NativeExpression,
  summary: string,
  detail: string,
  diagnostics: Diagnostics,
): void {
  diagnostics.push({ summary, detail, subject: at.range, context: e.range })
}

/** Looks at the condition once with unknown items, so that a plain mistake is reported once and not for every item. */
function tryCondition(
  e: ForExpression,
  condition: NativeExpression,
  outer: EvalContext,
  diagnostics: Diagnostics,
): boolean {
  const before = diagnostics.length
  const result = evaluate(condition, scope(e, outer, dynamicValue, dynamicValue), diagnostics)
  if (isNull(result)) {
    report(e, condition, 'Condition is null', "The value of the 'if' clause must not be null.", diagnostics)
    return false
  }
  try {
    convertValue(result, boolType)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    report(
      e,
      condition,
      "Invalid 'for' condition",
      `The 'if' clause value is invalid: ${error.message}.`,
      diagnostics,
    )
    return false
  }
  return diagnostics.length === before
}

function scope(e: ForExpression, outer: EvalContext, key: Value, value: Value): EvalContext {
  const variables = new Map<string, Value>()
  if (e.keyName !== undefined) variables.set(e.keyName, key)
  return childContext(outer, variables.set(e.valueName, value))
}

class Loop {
  readonly #e: ForExpression
  readonly #outer: EvalContext
  readonly #diagnostics: Diagnostics
  #known = true

  constructor(e: ForExpression, outer: EvalContext, diagnostics: Diagnostics) {
    this.#e = e
    this.#outer = outer
    this.#diagnostics = diagnostics
  }

  run(collection: Value): Value {
    const items: Value[] = []
    const groups = new Map<string, Value[]>()
    for (const [key, value] of entriesOf(collection)) {
      takeSize(this.#outer.budget, 1)
      const inner = scope(this.#e, this.#outer, key, value)
      if (!this.#included(inner)) continue
      if (this.#e.key === undefined) items.push(evaluate(this.#e.value, inner, this.#diagnostics))
      else this.#addEntry(this.#e.key, inner, groups)
    }
    if (!this.#known) return dynamicValue
    if (this.#e.key === undefined) return tupleValue(items)
    const entries = [...groups].map(([k, vs]): [string, Value] => [
      k,
      this.#e.group ? tupleValue(vs) : (vs[0] as Value),
    ])
    return objectValue(new Map(entries))
  }

  #included(inner: EvalContext): boolean {
    const { condition } = this.#e
    if (condition === undefined) return true
    const result = evaluate(condition, inner, this.#diagnostics)
    const fail = (detail: string): boolean => this.#fail(condition, "Invalid 'for' condition", detail)
    if (isNull(result)) return fail("The value of the 'if' clause must not be null.")
    if (!isKnown(result)) {
      this.#known = false
      return false
    }
    try {
      return convertValue(result, boolType).content === true
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error
      return fail(`The 'if' clause value is invalid: ${error.message}.`)
    }
  }

  #addEntry(keyExpression: NativeExpression, inner: EvalContext, groups: Map<string, Value[]>): void {
    const key = evaluate(keyExpression, inner, this.#diagnostics)
    const fail = (detail: string): boolean => this.#fail(keyExpression, 'Invalid object key', detail)
    if (isNull(key)) return void fail("Key expression in 'for' expression must not produce a null value.")
    if (!isKnown(key)) {
      this.#known = false
      return
    }
    let name: string
    try {
      name = asText(convertValue(key, stringType))
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error
      return void fail(`The key expression produced an invalid result: ${error.message}.`)
    }
    const value = evaluate(this.#e.value, inner, this.#diagnostics)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [value])
    else if (this.#e.group) group.push(value)
    else {
      const detail = `Two different items produced the key ${goQuote(name)} in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.`
      report(this.#e, keyExpression, 'Duplicate object key', detail, this.#diagnostics)
    }
  }

  #fail(at: NativeExpression, summary: string, detail: string): false {
    if (this.#known) report(this.#e, at, summary, detail, this.#diagnostics)
    this.#known = false
    return false
  }
}
