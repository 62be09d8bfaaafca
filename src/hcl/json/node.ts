import type { Range } from '../position.ts'
import type { BigFloat } from '../value/big-float.ts'

/** A JSON value with its place in the file. */
export type JsonExprNode =
  | {
      readonly kind: 'object'
      readonly members: readonly JsonMember[]
      readonly range: Range
      readonly open: Range
      readonly close: Range
    }
  | {
      readonly kind: 'array'
      readonly items: readonly JsonExprNode[]
      readonly range: Range
      readonly open: Range
    }
  | { readonly kind: 'string'; readonly value: string; readonly range: Range }
  | { readonly kind: 'number'; readonly value: BigFloat; readonly range: Range }
  | { readonly kind: 'bool'; readonly value: boolean; readonly range: Range }
  | { readonly kind: 'null'; readonly range: Range }
  | { readonly kind: 'invalid'; readonly range: Range }

/** One property of an object; a name may occur more than once. */
export interface JsonMember {
  readonly name: string
  readonly value: JsonExprNode
  readonly nameRange: Range
}

/** The place that diagnostics about the start of a JSON value point to. */
export function nodeStart(node: JsonExprNode): Range {
  return node.kind === 'object' || node.kind === 'array' ? node.open : node.range
}
