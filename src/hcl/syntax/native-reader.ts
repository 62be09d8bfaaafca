import {
  type Attribute,
  type Block,
  type Body,
  type BodyContent,
  type BodySchema,
  missingArgument,
} from '../body.ts'
import type { Diagnostics } from '../diagnostic.ts'
import { type Range, rangeBetween } from '../position.ts'
import { suggestName } from '../suggest.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import type { NativeBlock, NativeBody } from './native-body.ts'

/** Reads a body of the native syntax; `hidden` names what a schema has taken already. */
export class NativeReader implements Body {
  readonly #body: NativeBody
  readonly #hiddenAttributes: ReadonlySet<string>
  readonly #hiddenBlocks: ReadonlySet<string>

  constructor(
    body: NativeBody,
    hiddenAttributes: ReadonlySet<string> = new Set(),
    hiddenBlocks: ReadonlySet<string> = new Set(),
  ) {
    this.#body = body
    this.#hiddenAttributes = hiddenAttributes
    this.#hiddenBlocks = hiddenBlocks
  }

  content(schema: BodySchema, diagnostics: Diagnostics): BodyContent {
    const { content, remain } = this.partialContent(schema, diagnostics)
    for (const [name, attribute] of this.#body.attributes) {
      if (remain.#hiddenAttributes.has(name)) continue
      const free = schema.attributes.filter(a => !content.attributes.has(a.name)).map(a => a.name)
      const isBlock = schema.blocks.some(b => b.type === name)
      const hint =
        suggestName(name, free) ||
        (isBlock ? ` Did you mean to define a block of type ${goQuote(name)}?` : '')
      const detail = `An argument named ${goQuote(name)} is not expected here.${hint}`
      diagnostics.push({ summary: 'Unsupported argument', detail, subject: attribute.nameRange })
    }
    for (const { type, typeRange } of this.#body.blocks) {
      if (remain.#hiddenBlocks.has(type)) continue
      const isAttribute = schema.attributes.some(a => a.name === type)
      const asArgument = ` Did you mean to define argument ${goQuote(type)}? If so, use the equals sign to assign it a value.`
      const hint =
        suggestName(
          type,
          schema.blocks.map(b => b.type),
        ) || (isAttribute ? asArgument : '')
      const detail = `Blocks of type ${goQuote(type)} are not expected here.${hint}`
      diagnostics.push({ summary: 'Unsupported block type', detail, subject: typeRange })
    }
    return content
  }

  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostics,
  ): { content: BodyContent; remain: NativeReader } {
    const attributes = new Map<string, Attribute>()
    const hiddenAttributes = new Set(this.#hiddenAttributes)
    for (const { name, required } of schema.attributes) {
      const attribute = this.#hiddenAttributes.has(name) ? undefined : this.#body.attributes.get(name)
      if (attribute !== undefined) {
        hiddenAttributes.add(name)
        attributes.set(name, attribute)
      } else if (required === true) diagnostics.push(missingArgument(name, this.missingItemRange()))
    }
    const wanted = new Map(schema.blocks.map(b => [b.type, b.labels]))
    const blocks: Block[] = []
    for (const block of this.#body.blocks) {
      const labels = this.#hiddenBlocks.has(block.type) ? undefined : wanted.get(block.type)
      if (labels !== undefined && checkLabels(block, labels, diagnostics)) blocks.push(asBlock(block))
    }
    const hiddenBlocks = new Set([...this.#hiddenBlocks, ...wanted.keys()])
    return {
      content: { attributes, blocks },
      remain: new NativeReader(this.#body, hiddenAttributes, hiddenBlocks),
    }
  }

  justAttributes(diagnostics: Diagnostics): Map<string, Attribute> {
    const [block] = this.#body.blocks
    if (block !== undefined) {
      const summary = `Unexpected ${goQuote(block.type)} block`
      diagnostics.push({ summary, detail: 'Blocks are not allowed here.', subject: block.typeRange })
    }
    return new Map([...this.#body.attributes].filter(([name]) => !this.#hiddenAttributes.has(name)))
  }

  missingItemRange(): Range {
    const { range } = this.#body
    return { ...range, end: range.start }
  }
}

function asBlock(block: NativeBlock): Block {
  const last = block.labelRanges.at(-1) ?? block.typeRange
  return {
    type: block.type,
    labels: block.labels,
    body: new NativeReader(block.body),
    definition: rangeBetween(block.typeRange, last),
    typeRange: block.typeRange,
    labelRanges: block.labelRanges,
  }
}

function checkLabels(block: NativeBlock, wanted: readonly string[], diagnostics: Diagnostics): boolean {
  const given = block.labels.length
  const context = rangeBetween(block.typeRange, block.openBrace)
  if (given > wanted.length) {
    const detail =
      wanted.length === 0
        ? `No labels are expected for ${block.type} blocks.`
        : `Only ${wanted.length} labels (${wanted.join(', ')}) are expected for ${block.type} blocks.`
    diagnostics.push({
      summary: `Extraneous label for ${block.type}`,
      detail,
      subject: block.labelRanges[wanted.length] as Range,
      context,
    })
    return false
  }
  if (given < wanted.length) {
    const summary = `Missing ${wanted[given]} for ${block.type}`
    const detail = `All ${block.type} blocks must have ${wanted.length} labels (${wanted.join(', ')}).`
    diagnostics.push({ summary, detail, subject: block.openBrace, context })
    return false
  }
  return true
}
