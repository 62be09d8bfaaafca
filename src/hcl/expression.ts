import type { JsonExprNode } from './json/node.ts'
import { nodeStart } from './json/node.ts'
import type { Range } from './position.ts'
import { type NativeExpression, startRange } from './syntax/expression.ts'
import type { Value } from './value/value.ts'

/** An expression of either syntax, or a fixed value that stands for one that was not written. */
export type Expression =
  | NativeExpression
  | { readonly kind: 'json'; readonly node: JsonExprNode; readonly range: Range }
  | { readonly kind: 'static'; readonly value: Value; readonly range: Range }

/** A JSON value taken as an expression: strings in it are templates. */
export function jsonExpression(node: JsonExprNode): Expression {
  return { kind: 'json', node, range: node.range }
}

/** The place that diagnostics about the start of an expression point to. */
export function expressionStart(e: Expression): Range {
  if (e.kind === 'json') return nodeStart(e.node)
  return e.kind === 'static' ? e.range : startRange(e)
}
