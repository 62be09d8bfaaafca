import type { Range } from '../position.ts'
import type { NativeExpression } from './expression.ts'

/** A piece of a template before its directives are matched with their ends. */
export type TemplatePart =
  | { readonly kind: 'text'; text: string; range: Range }
  | { readonly kind: 'interpolation'; readonly expression: NativeExpression; readonly range: Range }
  | { readonly kind: 'if'; readonly condition: NativeExpression; readonly range: Range }
  | {
      readonly kind: 'for'
      readonly keyName: string | undefined
      readonly valueName: string
      readonly collection: NativeExpression
      readonly range: Range
    }
  | { readonly kind: 'else' | 'endif' | 'endfor'; readonly range: Range }
  | { readonly kind: 'end'; readonly range: Range }
