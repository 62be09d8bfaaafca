import type { Diagnostics } from './diagnostic.ts'
import type { Expression } from './expression.ts'
import type { Range } from './position.ts'

/** What a body is expected to hold. */
export interface BodySchema {
  readonly attributes: readonly { readonly name: string; readonly required?: boolean }[]
  readonly blocks: readonly { readonly type: string; readonly labels: readonly string[] }[]
}

/** `name = expression` in a body. */
export interface Attribute {
  readonly name: string
  readonly expression: Expression
  readonly range: Range
  readonly nameRange: Range
}

/** A block in a body. */
export interface Block {
  readonly type: string
  readonly labels: readonly string[]
  readonly body: Body
  /** The header: type and labels. */
  readonly definition: Range
  readonly typeRange: Range
  readonly labelRanges: readonly Range[]
}

/** What was found of a schema. */
export interface BodyContent {
  readonly attributes: Map<string, Attribute>
  readonly blocks: Block[]
}

/**
 * The content of a file or block, whatever its syntax: it is read through a schema, because JSON alone does not tell
 * attributes from blocks. Problems are added to the diagnostics given; nothing is thrown.
 */
export interface Body {
  /** Everything, with a complaint about what the schema does not name. */
  content(schema: BodySchema, diagnostics: Diagnostics): BodyContent
  /** What the schema names, and a body with the rest. */
  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostics,
  ): { readonly content: BodyContent; readonly remain: Body }
  /** All attributes, with a complaint if there are blocks. */
  justAttributes(diagnostics: Diagnostics): Map<string, Attribute>
  /** Where something missing would belong. */
  missingItemRange(): Range
}

/** What is said of a required attribute that is not there. */
export function missingArgument(
  name: string,
  subject?: Range,
): { summary: string; detail: string; subject?: Range } {
  const summary = 'Missing required argument'
  if (subject === undefined)
    return { summary, detail: `The argument "${name}" is required, but was not set.` }
  return { summary, detail: `The argument "${name}" is required, but no definition was found.`, subject }
}
