import type { Diagnostic } from '../diagnostic.ts'
import type { Range } from '../position.ts'
import type { Value } from '../value/value.ts'

/** One step from a variable or a value into it. */
export type TraversalStep =
  | { readonly kind: 'root'; readonly name: string; readonly range: Range }
  | { readonly kind: 'attribute'; readonly name: string; readonly range: Range }
  | { readonly kind: 'index'; readonly key: Value; readonly range: Range }

/** A variable name followed by constant attribute and index steps, or the steps alone. */
export type Traversal = readonly TraversalStep[]

/** Binary operators. */
export type BinaryOperator = '||' | '&&' | '==' | '!=' | '>' | '>=' | '<' | '<=' | '+' | '-' | '*' | '/' | '%'

/** An expression of the native syntax. */
export type NativeExpression =
  | { readonly kind: 'literal'; readonly value: Value; readonly range: Range }
  | { readonly kind: 'variable'; readonly traversal: Traversal; readonly range: Range }
  | {
      readonly kind: 'traversal'
      readonly source: NativeExpression
      readonly steps: Traversal
      readonly range: Range
    }
  | CallExpression
  | ConditionalExpression
  | {
      readonly kind: 'index'
      readonly collection: NativeExpression
      readonly key: NativeExpression
      readonly range: Range
      readonly open: Range
      readonly bracket: Range
    }
  | {
      readonly kind: 'tuple'
      readonly items: readonly NativeExpression[]
      readonly range: Range
      readonly open: Range
    }
  | {
      readonly kind: 'object'
      readonly items: readonly ObjectItem[]
      readonly range: Range
      readonly open: Range
    }
  | {
      readonly kind: 'object-key'
      readonly wrapped: NativeExpression
      readonly forced: boolean
      readonly range: Range
    }
  | ForExpression
  | SplatExpression
  | { readonly kind: 'item'; readonly range: Range }
  | { readonly kind: 'template'; readonly parts: readonly NativeExpression[]; readonly range: Range }
  | { readonly kind: 'template-join'; readonly tuple: ForExpression; readonly range: Range }
  | { readonly kind: 'template-wrap'; readonly wrapped: NativeExpression; readonly range: Range }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: NativeExpression
      readonly right: NativeExpression
      readonly range: Range
    }
  | {
      readonly kind: 'unary'
      readonly operator: '-' | '!'
      readonly operand: NativeExpression
      readonly range: Range
      readonly symbol: Range
    }
  | { readonly kind: 'parentheses'; readonly inner: NativeExpression; readonly range: Range }
  | { readonly kind: 'syntax-error'; readonly diagnostics: readonly Diagnostic[]; readonly range: Range }

/** `name(args…)`; with `expand` the last argument stands for all its elements. */
export interface CallExpression {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly NativeExpression[]
  readonly expand: boolean
  readonly nameRange: Range
  readonly open: Range
  readonly close: Range
  readonly range: Range
}

/** `condition ? yes : no`, also a template's `%{ if }`. */
export interface ConditionalExpression {
  readonly kind: 'conditional'
  readonly condition: NativeExpression
  readonly yes: NativeExpression
  readonly no: NativeExpression
  readonly range: Range
}

/** A key and its value in an object constructor. */
export interface ObjectItem {
  readonly key: NativeExpression
  readonly value: NativeExpression
}

/** `[for …]` (no key) or `{for …}`, also a template's `%{ for }`. */
export interface ForExpression {
  readonly kind: 'for'
  readonly keyName: string | undefined
  readonly valueName: string
  readonly collection: NativeExpression
  readonly key: NativeExpression | undefined
  readonly value: NativeExpression
  readonly condition: NativeExpression | undefined
  readonly group: boolean
  readonly range: Range
  readonly open: Range
}

/** `source[*]…` or `source.*…`; `each` holds one `item` node that stands for the element. */
export interface SplatExpression {
  readonly kind: 'splat'
  readonly source: NativeExpression
  readonly each: NativeExpression
  readonly range: Range
  readonly marker: Range
}

/** The place that diagnostics about the start of an expression point to. */
export function startRange(e: NativeExpression): Range {
  switch (e.kind) {
    case 'call':
      return { ...e.nameRange, end: e.open.end }
    case 'conditional':
      return startRange(e.condition)
    case 'index':
    case 'tuple':
    case 'object':
    case 'for':
      return e.open
    case 'object-key':
      return startRange(e.wrapped)
    case 'splat':
      return e.marker
    case 'template':
      return e.parts[0] === undefined ? e.range : startRange(e.parts[0])
    case 'template-join':
      return startRange(e.tuple)
    case 'binary':
      return startRange(e.left)
    case 'unary':
      return e.symbol
    case 'parentheses':
      return startRange(e.inner)
    default:
      return e.range
  }
}
