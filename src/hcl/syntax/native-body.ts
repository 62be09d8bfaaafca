import type { Range } from '../position.ts'
import type { NativeExpression } from './expression.ts'

/** The content of a file or block as parsed. */
export interface NativeBody {
  readonly attributes: ReadonlyMap<string, NativeAttribute>
  readonly blocks: readonly NativeBlock[]
  readonly range: Range
}

/** `name = expression`. */
export interface NativeAttribute {
  readonly name: string
  readonly expression: NativeExpression
  readonly range: Range
  readonly nameRange: Range
}

/** `type "label" { … }`. */
export interface NativeBlock {
  readonly type: string
  readonly labels: readonly string[]
  readonly body: NativeBody
  readonly typeRange: Range
  readonly labelRanges: readonly Range[]
  readonly openBrace: Range
}
