import type { Mark } from './mark.ts'

/** What a token is. */
export type TokenKind =
  | 'stream-end'
  | 'version-directive'
  | 'tag-directive'
  | 'document-start'
  | 'document-end'
  | 'block-sequence'
  | 'block-mapping'
  | 'block-end'
  | 'flow-sequence'
  | 'flow-sequence-end'
  | 'flow-mapping'
  | 'flow-mapping-end'
  | 'block-entry'
  | 'flow-entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar'

/** A token of a YAML text. */
export interface Token {
  readonly kind: TokenKind
  readonly start: Mark
  readonly end: Mark
  /** Value of a scalar, name of an anchor, handle of a tag, version (`1.1`). */
  readonly text: string
  /** What follows the handle of a tag; the prefix that a directive gives it. */
  readonly suffix: string
  /** A scalar without quotes that is no block. */
  readonly plain: boolean
}

/** A token; what it does not have is empty. */
export function token(
  kind: TokenKind,
  start: Mark,
  end: Mark,
  rest: Partial<Pick<Token, 'text' | 'suffix' | 'plain'>> = {},
): Token {
  return { kind, start, end, text: '', suffix: '', plain: false, ...rest }
}
