import type { Attribute, Block, Body, BodySchema } from '../../hcl/body.ts'
import { type Diagnostics, DiagnosticsError } from '../../hcl/diagnostic.ts'
import { evaluate } from '../../hcl/eval/evaluate.ts'
import { expressionStart, type Expression } from '../../hcl/expression.ts'
import { ConversionError, convertValue } from '../../hcl/value/convert.ts'
import { stringType } from '../../hcl/value/type.ts'
import { asText, isKnown, isNull } from '../../hcl/value/value.ts'

/** A `variable` block. */
export interface VariableBlock {
  readonly name: string
  readonly type: Expression | undefined
  readonly default: Attribute | undefined
  readonly description: string
  readonly validations: readonly Validation[]
  readonly body: Body
}

/** A `validation` block of a variable. */
export interface Validation {
  readonly condition: Expression | undefined
  readonly message: Expression | undefined
  readonly body: Body
}

/** A `function` block. */
export interface FunctionBlock {
  readonly name: string
  readonly params: Attribute | undefined
  readonly variadic: Attribute | undefined
  readonly result: Attribute | undefined
  readonly block: Block
}

const inputSchema: BodySchema = {
  attributes: [],
  blocks: [
    { type: 'variable', labels: ['name'] },
    { type: 'function', labels: ['name'] },
  ],
}

const variableSchema: BodySchema = {
  attributes: [{ name: 'default' }, { name: 'description' }, { name: 'type' }],
  blocks: [{ type: 'validation', labels: [] }],
}

const validationSchema: BodySchema = {
  attributes: [{ name: 'condition' }, { name: 'error_message' }],
  blocks: [],
}
const functionSchema: BodySchema = {
  attributes: [{ name: 'params' }, { name: 'result' }, { name: 'variadic_params' }],
  blocks: [],
}

/** Reads the `variable` and `function` blocks of a body; of several with one name the last counts. */
export function readInputs(
  body: Body,
  diagnostics: Diagnostics,
): { variables: Map<string, VariableBlock>; functions: Map<string, FunctionBlock> } {
  const { content } = body.partialContent(inputSchema, diagnostics)
  const variables = new Map<string, VariableBlock>()
  const functions = new Map<string, FunctionBlock>()
  for (const block of content.blocks) {
    const name = block.labels[0] as string
    if (block.type === 'variable') variables.set(name, readVariable(name, block, diagnostics))
    else {
      const { attributes } = block.body.content(functionSchema, diagnostics)
      const [params, variadic, result] = ['params', 'variadic_params', 'result'].map(a => attributes.get(a))
      functions.set(name, { name, params, variadic, result, block })
    }
  }
  return { variables, functions }
}

/** The body without `variable` and `function`. Throws a `DiagnosticsError` where these are malformed. */
export function withoutInputs(body: Body, diagnostics: Diagnostics): Body {
  const { remain } = body.partialContent(inputSchema, diagnostics)
  if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
  return remain
}

function readVariable(name: string, block: Block, diagnostics: Diagnostics): VariableBlock {
  const { content } = block.body.partialContent(variableSchema, diagnostics)
  const description = content.attributes.get('description')
  return {
    name,
    type: content.attributes.get('type')?.expression,
    default: content.attributes.get('default'),
    description: description === undefined ? '' : constantText(description.expression, diagnostics),
    validations: content.blocks.map(b => {
      const { attributes } = b.body.content(validationSchema, diagnostics)
      return {
        condition: attributes.get('condition')?.expression,
        message: attributes.get('error_message')?.expression,
        body: b.body,
      }
    }),
    body: block.body,
  }
}

/** The text of an expression that may not use variables or functions. */
function constantText(e: Expression, diagnostics: Diagnostics): string {
  const value = evaluate(e, undefined, diagnostics)
  const unsuitable = (why: string): string => {
    const detail = `Unsuitable value: ${why}`
    diagnostics.push({
      summary: 'Unsuitable value type',
      detail,
      subject: expressionStart(e),
      context: e.range,
    })
    return ''
  }
  try {
    const text = convertValue(value, stringType)
    if (!isKnown(text)) return unsuitable('value must be known')
    return isNull(text) ? unsuitable('null value is not allowed') : asText(text)
  } catch (error) {
    if (error instanceof ConversionError) return unsuitable(error.message)
    throw error
  }
}
