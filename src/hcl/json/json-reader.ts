import {
  type Attribute,
  type Block,
  type Body,
  type BodyContent,
  type BodySchema,
  missingArgument,
} from '../body.ts'
import type { Diagnostics } from '../diagnostic.ts'
import { jsonExpression } from '../expression.ts'
import { formatRange, type Range, rangeBetween } from '../position.ts'
import { suggestName } from '../suggest.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { type JsonExprNode, type JsonMember, nodeStart } from './node.ts'

/** Reads a body of the JSON syntax: which properties are attributes and which are blocks, the schema says. */
export class JsonReader implements Body {
  readonly #node: JsonExprNode
  readonly #hidden: ReadonlySet<string>

  constructor(node: JsonExprNode, hidden: ReadonlySet<string> = new Set()) {
    this.#node = node
    this.#hidden = hidden
  }

  content(schema: BodySchema, diagnostics: Diagnostics): BodyContent {
    const { content, remain } = this.partialContent(schema, diagnostics)
    const names = schema.attributes.map(a => a.name).filter(n => !remain.#hidden.has(n))
    const suggestions = [...names, ...schema.blocks.map(b => b.type)]
    for (const member of collectMembers(this.#node, undefined, diagnostics)) {
      if (member.name === '//' || remain.#hidden.has(member.name)) continue
      diagnostics.push({
        summary: 'Extraneous JSON object property',
        detail: `No argument or block type is named ${goQuote(member.name)}.${suggestName(member.name, suggestions)}`,
        subject: member.nameRange,
        context: rangeBetween(member.nameRange, member.value.range),
      })
    }
    return content
  }

  partialContent(schema: BodySchema, diagnostics: Diagnostics): { content: BodyContent; remain: JsonReader } {
    const attributes = new Map<string, Attribute>()
    const blocks: Block[] = []
    const used = new Set(this.#hidden)
    const wantedAttributes = new Set(schema.attributes.map(a => a.name))
    const wantedBlocks = new Map(schema.blocks.map(b => [b.type, b.labels]))
    for (const member of collectMembers(this.#node, undefined, diagnostics)) {
      if (this.#hidden.has(member.name)) continue
      const labels = wantedBlocks.get(member.name)
      if (wantedAttributes.has(member.name)) {
        const existing = attributes.get(member.name)
        if (existing === undefined) attributes.set(member.name, asAttribute(member))
        else reportDuplicate('Duplicate argument', member, existing, diagnostics)
        used.add(member.name)
      } else if (labels !== undefined) {
        unpackBlocks(
          member.value,
          { type: member.name, typeRange: member.nameRange, wanted: labels, labels: [], ranges: [] },
          blocks,
          diagnostics,
        )
        used.add(member.name)
      }
    }
    for (const { name, required } of schema.attributes) {
      if (required === true && !attributes.has(name))
        diagnostics.push(missingArgument(name, this.missingItemRange()))
    }
    return { content: { attributes, blocks }, remain: new JsonReader(this.#node, used) }
  }

  justAttributes(diagnostics: Diagnostics): Map<string, Attribute> {
    const attributes = new Map<string, Attribute>()
    if (this.#node.kind !== 'object') {
      const detail = 'A JSON object is required here, setting the arguments for this block.'
      diagnostics.push({ summary: 'Incorrect JSON value type', detail, subject: nodeStart(this.#node) })
      return attributes
    }
    for (const member of this.#node.members) {
      if (member.name === '//' || this.#hidden.has(member.name)) continue
      const existing = attributes.get(member.name)
      if (existing === undefined) attributes.set(member.name, asAttribute(member))
      else reportDuplicate('Duplicate attribute definition', member, existing, diagnostics)
    }
    return attributes
  }

  missingItemRange(): Range {
    return this.#node.kind === 'object' ? this.#node.close : nodeStart(this.#node)
  }
}

function asAttribute(member: JsonMember): Attribute {
  return {
    name: member.name,
    expression: jsonExpression(member.value),
    range: rangeBetween(member.nameRange, member.value.range),
    nameRange: member.nameRange,
  }
}

function reportDuplicate(
  summary: string,
  member: JsonMember,
  existing: Attribute,
  diagnostics: Diagnostics,
): void {
  const detail = `The argument ${goQuote(member.name)} was already set at ${formatRange(existing.range)}.`
  diagnostics.push({
    summary,
    detail,
    subject: member.nameRange,
    context: rangeBetween(member.nameRange, member.value.range),
  })
}

interface Header {
  readonly type: string
  readonly typeRange: Range
  readonly wanted: readonly string[]
  readonly labels: readonly string[]
  readonly ranges: readonly Range[]
}

function unpackBlocks(node: JsonExprNode, header: Header, blocks: Block[], diagnostics: Diagnostics): void {
  const label = header.wanted[header.labels.length]
  if (label !== undefined) {
    const members = collectMembers(node, label, diagnostics)
    if (members.length === 0) {
      const detail = `At least one object property is required, whose name represents the ${header.type} block's ${label}.`
      diagnostics.push({ summary: 'Missing block label', detail, subject: nodeStart(node) })
    }
    for (const m of members) {
      unpackBlocks(
        m.value,
        { ...header, labels: [...header.labels, m.name], ranges: [...header.ranges, m.nameRange] },
        blocks,
        diagnostics,
      )
    }
    return
  }
  const push = (content: JsonExprNode, definition: Range): void => {
    const { type, typeRange, labels, ranges: labelRanges } = header
    blocks.push({ type, labels, body: new JsonReader(content), definition, typeRange, labelRanges })
  }
  if (node.kind === 'object') push(node, node.open)
  else if (node.kind === 'array') for (const item of node.items) push(item, node.open)
  else if (node.kind !== 'null') {
    const detail = `Either a JSON object or a JSON array is required, representing the contents of one or more ${goQuote(header.type)} blocks.`
    diagnostics.push({ summary: 'Incorrect JSON value type', detail, subject: nodeStart(node) })
  }
}

/** The properties of an object, or of all objects of an array. */
function collectMembers(
  node: JsonExprNode,
  label: string | undefined,
  diagnostics: Diagnostics,
): readonly JsonMember[] {
  const purpose =
    label === undefined
      ? 'to define arguments and child blocks.'
      : `to specify ${label} labels for this block.`
  const wrong = (detail: string, at: JsonExprNode): void => {
    diagnostics.push({
      summary: 'Incorrect JSON value type',
      detail: `${detail} is required here, ${purpose}`,
      subject: nodeStart(at),
    })
  }
  if (node.kind === 'null') return []
  if (node.kind === 'object') return node.members
  if (node.kind !== 'array') {
    wrong('Either a JSON object or JSON array of objects', node)
    return []
  }
  const members: JsonMember[] = []
  for (const item of node.items) {
    if (item.kind === 'object') for (const m of item.members) members.push(m)
    else wrong('A JSON object', item)
  }
  return members
}
