import { type Attribute, type Body, type BodyContent, type BodySchema, missingArgument } from './body.ts'
import type { Diagnostics } from './diagnostic.ts'
import { fileStart, formatRange, type Range } from './position.ts'
import { quote as goQuote } from '../gostd/quote.ts'

/** Several bodies read as one; an attribute in two of them is reported, and the later one kept. */
export class MergedBody implements Body {
  readonly #bodies: readonly Body[]

  constructor(bodies: readonly Body[]) {
    this.#bodies = bodies
  }

  content(schema: BodySchema, diagnostics: Diagnostics): BodyContent {
    return this.#merge(schema, diagnostics, (body, s) => body.content(s, diagnostics))
  }

  partialContent(schema: BodySchema, diagnostics: Diagnostics): { content: BodyContent; remain: Body } {
    const rest: Body[] = []
    const content = this.#merge(schema, diagnostics, (body, s) => {
      const part = body.partialContent(s, diagnostics)
      rest.push(part.remain)
      return part.content
    })
    return { content, remain: new MergedBody(rest) }
  }

  justAttributes(diagnostics: Diagnostics): Map<string, Attribute> {
    const attributes = new Map<string, Attribute>()
    for (const body of this.#bodies) addAll(attributes, body.justAttributes(diagnostics), diagnostics)
    return attributes
  }

  missingItemRange(): Range {
    return this.#bodies[0]?.missingItemRange() ?? { filename: '<empty>', start: fileStart, end: fileStart }
  }

  #merge(
    schema: BodySchema,
    diagnostics: Diagnostics,
    read: (body: Body, schema: BodySchema) => BodyContent,
  ): BodyContent {
    const tolerant = { attributes: schema.attributes.map(({ name }) => ({ name })), blocks: schema.blocks }
    const merged: BodyContent = { attributes: new Map(), blocks: [] }
    for (const body of this.#bodies) {
      const content = read(body, tolerant)
      addAll(merged.attributes, content.attributes, diagnostics)
      for (const block of content.blocks) merged.blocks.push(block)
    }
    for (const { name, required } of schema.attributes) {
      if (required === true && !merged.attributes.has(name)) diagnostics.push(missingArgument(name))
    }
    return merged
  }
}

function addAll(into: Map<string, Attribute>, from: Map<string, Attribute>, diagnostics: Diagnostics): void {
  for (const [name, attribute] of from) {
    const existing = into.get(name)
    if (existing !== undefined) {
      const detail = `Argument ${goQuote(name)} was already set at ${formatRange(existing.nameRange)}`
      diagnostics.push({ summary: 'Duplicate argument', detail, subject: attribute.nameRange })
    }
    into.set(name, attribute)
  }
}
