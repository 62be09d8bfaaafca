/** A set of characters. */
export type CharTest = (codePoint: number) => boolean

/** A parsed regular expression. */
export type RegexpNode =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'assert'
      readonly what: 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'no-word'
    }
  | { readonly kind: 'concat' | 'alternate'; readonly items: readonly RegexpNode[] }
  | {
      readonly kind: 'repeat'
      readonly item: RegexpNode
      readonly min: number
      readonly max: number
      readonly greedy: boolean
    }
  | { readonly kind: 'group'; readonly item: RegexpNode; readonly index: number }

/** Why a pattern is refused: Go's `regexp/syntax` error code and the part of the pattern it is about. */
export class RegexpError extends Error {
  readonly code: string
  readonly expression: string

  constructor(code: string, expression: string) {
    super(`error parsing regexp: ${code}: \`${expression}\``)
    this.code = code
    this.expression = expression
  }
}
