import { type Mark, parseError, place, YamlError } from './mark.ts'
import { YamlScanner } from './scanner.ts'
import type { Token, TokenKind } from './token.ts'
import type { MappingNode, SequenceNode, YamlNode } from './yaml-node.ts'

/** Nodes within nodes, at most. */
const maxNesting = 500
/** Nodes of a document, at most; what reads them allows fewer, in words of its own. */
const maxNodes = 300_000

const standardPrefix = 'tag:yaml.org,2002:'

/** The roots of the documents of a YAML text, each read when it is asked for. Throws `YamlError`. */
export function parseYamlDocuments(text: string): Generator<YamlNode> {
  return new DocumentParser(new YamlScanner(text === '' ? '\n' : text)).documents()
}

/** What a node is introduced with. */
interface Properties {
  readonly start: Mark
  readonly anchor: string
  readonly tag: string
}

class DocumentParser {
  readonly #scanner: YamlScanner
  #handles = new Map<string, string>()
  #anchors = new Map<string, YamlNode>()
  #depth = 0
  #nodes = 0

  constructor(scanner: YamlScanner) {
    this.#scanner = scanner
  }

  *documents(): Generator<YamlNode> {
    for (let isFirst = true; ; isFirst = false) {
      while (!isFirst && this.#is('document-end')) this.#scanner.take()
      if (this.#is('stream-end')) return
      yield this.#document(isFirst)
    }
  }

  #is(...kinds: readonly TokenKind[]): boolean {
    return kinds.includes(this.#scanner.peek().kind)
  }

  #document(isFirst: boolean): YamlNode {
    this.#anchors = new Map()
    this.#handles = new Map()
    const isBare = isFirst && !this.#is('version-directive', 'tag-directive', 'document-start')
    this.#directives()
    let root: YamlNode
    if (isBare) root = this.#node(true, false)
    else {
      if (!this.#is('document-start'))
        throw parseError('did not find expected <document start>', this.#scanner.peek().start)
      this.#scanner.take()
      const isEmpty = this.#is(
        'version-directive',
        'tag-directive',
        'document-start',
        'document-end',
        'stream-end',
      )
      root = isEmpty ? this.#nothing(this.#scanner.peek().start) : this.#node(true, false)
    }
    if (this.#is('document-end')) this.#scanner.take()
    return root
  }

  #directives(): void {
    let hasVersion = false
    while (this.#is('version-directive', 'tag-directive')) {
      const { kind, text, suffix, start } = this.#scanner.peek()
      if (kind === 'version-directive') {
        if (hasVersion) throw parseError('found duplicate %YAML directive', start)
        if (text !== '1.1') throw parseError('found incompatible YAML document', start)
        hasVersion = true
      } else {
        if (this.#handles.has(text)) throw parseError('found duplicate %TAG directive', start)
        this.#handles.set(text, suffix)
      }
      this.#scanner.take()
    }
    if (!this.#handles.has('!')) this.#handles.set('!', '!')
    if (!this.#handles.has('!!')) this.#handles.set('!!', standardPrefix)
  }

  #node(isBlock: boolean, mayLackIndent: boolean): YamlNode {
    if (this.#depth >= maxNesting) throw new YamlError('the document is nested too deeply')
    if (++this.#nodes > maxNodes) throw new YamlError(`the document has more than ${maxNodes} nodes`)
    this.#depth++
    const node = this.#content(isBlock, mayLackIndent)
    this.#depth--
    return node
  }

  #content(isBlock: boolean, mayLackIndent: boolean): YamlNode {
    if (this.#is('alias')) return this.#alias(this.#scanner.take())
    const properties = this.#properties()
    const { kind, text, plain, start } = this.#scanner.peek()
    if (mayLackIndent && kind === 'block-entry')
      return this.#sequence(properties, into => this.#looseEntries(into))
    if (kind === 'scalar') {
      this.#scanner.take()
      return this.#scalar(properties, text, plain)
    }
    if (kind === 'flow-sequence') return this.#sequence(properties, into => this.#flowEntries(into))
    if (kind === 'flow-mapping') return this.#mapping(properties, into => this.#flowPairs(into))
    if (isBlock && kind === 'block-sequence')
      return this.#sequence(properties, into => this.#blockEntries(into))
    if (isBlock && kind === 'block-mapping') return this.#mapping(properties, into => this.#blockPairs(into))
    if (properties.anchor !== '' || properties.tag !== '') return this.#scalar(properties, '', true)
    const context = `while parsing a ${isBlock ? 'block' : 'flow'} node`
    throw parseError('did not find expected node content', start, context, properties.start)
  }

  #properties(): Properties {
    const { start } = this.#scanner.peek()
    let anchor = ''
    let tag: Token | undefined
    for (let i = 0; i < 2 && this.#is('anchor', 'tag'); i++) {
      const next = this.#scanner.peek()
      if (next.kind === 'anchor' ? anchor !== '' : tag !== undefined) break
      if (next.kind === 'anchor') anchor = next.text
      else tag = next
      this.#scanner.take()
    }
    if (tag === undefined) return { start, anchor, tag: '' }
    const prefix = tag.text === '' ? '' : this.#handles.get(tag.text)
    if (prefix === undefined)
      throw parseError('found undefined tag handle', tag.start, 'while parsing a node', start)
    const whole = prefix + tag.suffix
    return {
      start,
      anchor,
      tag: whole.startsWith(standardPrefix) ? `!!${whole.slice(standardPrefix.length)}` : whole,
    }
  }

  #placed({ start, tag }: Properties): {
    readonly tag: string
    readonly line: number
    readonly column: number
  } {
    return { tag, line: start.line + 1, column: start.column + 1 }
  }

  #remember<T extends YamlNode>(node: T, { anchor }: Properties): T {
    if (anchor !== '') this.#anchors.set(anchor, node)
    return node
  }

  #scalar(properties: Properties, value: string, plain: boolean): YamlNode {
    return this.#remember({ kind: 'scalar', ...this.#placed(properties), value, plain }, properties)
  }

  #nothing(start: Mark): YamlNode {
    return this.#scalar({ start, anchor: '', tag: '' }, '', true)
  }

  #alias({ start, text }: Token): YamlNode {
    const target = this.#anchors.get(text)
    const properties = { start, anchor: '', tag: '' }
    if (target !== undefined) return { kind: 'alias', ...this.#placed(properties), target }
    // Here the library counts columns twice from 1.
    const at = { ...start, line: start.line + 1, column: start.column + 1 }
    throw new YamlError(`${place(at)}: unknown anchor '${text}' referenced`)
  }

  #sequence(properties: Properties, fill: (into: SequenceNode) => void): YamlNode {
    const node: SequenceNode = { kind: 'sequence', ...this.#placed(properties), items: [] }
    this.#remember(node, properties)
    fill(node)
    return node
  }

  #mapping(properties: Properties, fill: (into: MappingNode) => void): YamlNode {
    const node: MappingNode = { kind: 'mapping', ...this.#placed(properties), pairs: [] }
    this.#remember(node, properties)
    fill(node)
    return node
  }

  /** Entries of a list that is indented no more than the key it stands under. */
  #looseEntries(into: SequenceNode): void {
    while (this.#is('block-entry')) {
      const { end } = this.#scanner.take()
      const isEmpty = this.#is('block-entry', 'key', 'value', 'block-end')
      into.items.push(isEmpty ? this.#nothing(end) : this.#node(true, false))
    }
  }

  #blockEntries(into: SequenceNode): void {
    const { start } = this.#scanner.take()
    while (this.#is('block-entry')) {
      const { end } = this.#scanner.take()
      into.items.push(this.#is('block-entry', 'block-end') ? this.#nothing(end) : this.#node(true, false))
    }
    if (!this.#is('block-end')) {
      const message = "did not find expected '-' indicator"
      throw parseError(message, this.#scanner.peek().start, 'while parsing a block collection', start)
    }
    this.#scanner.take()
  }

  #blockPairs(into: MappingNode): void {
    const { start } = this.#scanner.take()
    while (this.#is('key')) {
      const key = this.#blockPart()
      const value = this.#is('value') ? this.#blockPart() : this.#nothing(this.#scanner.peek().start)
      into.pairs.push([key, value])
    }
    if (!this.#is('block-end')) {
      const context = 'while parsing a block mapping'
      throw parseError('did not find expected key', this.#scanner.peek().start, context, start)
    }
    this.#scanner.take()
  }

  /** What follows the token of a key or a value. */
  #blockPart(): YamlNode {
    const { end } = this.#scanner.take()
    return this.#is('key', 'value', 'block-end') ? this.#nothing(end) : this.#node(true, true)
  }

  #flowEntries(into: SequenceNode): void {
    this.#flowItems(
      'flow-sequence-end',
      "did not find expected ',' or ']'",
      'while parsing a flow sequence',
      () => {
        if (!this.#is('key')) into.items.push(this.#node(false, false))
        else {
          const { start } = this.#scanner.take()
          const pair: MappingNode = {
            kind: 'mapping',
            ...this.#placed({ start, anchor: '', tag: '' }),
            pairs: [],
          }
          const key = this.#flowPart('value', 'flow-entry', 'flow-sequence-end')
          pair.pairs.push([key, this.#flowValue('flow-entry', 'flow-sequence-end')])
          into.items.push(pair)
        }
      },
    )
  }

  #flowPairs(into: MappingNode): void {
    this.#flowItems(
      'flow-mapping-end',
      "did not find expected ',' or '}'",
      'while parsing a flow mapping',
      () => {
        const isKey = this.#is('key')
        if (isKey) this.#scanner.take()
        const key = isKey
          ? this.#flowPart('value', 'flow-entry', 'flow-mapping-end')
          : this.#node(false, false)
        const value = isKey
          ? this.#flowValue('flow-entry', 'flow-mapping-end')
          : this.#nothing(this.#scanner.peek().start)
        into.pairs.push([key, value])
      },
    )
  }

  #flowItems(last: TokenKind, message: string, context: string, item: () => void): void {
    const { start } = this.#scanner.take()
    for (let isFirst = true; !this.#is(last); isFirst = false) {
      if (!isFirst) {
        if (!this.#is('flow-entry')) throw parseError(message, this.#scanner.peek().start, context, start)
        this.#scanner.take()
        if (this.#is(last)) break
      }
      item()
    }
    this.#scanner.take()
  }

  #flowValue(...ends: readonly TokenKind[]): YamlNode {
    if (!this.#is('value')) return this.#nothing(this.#scanner.peek().start)
    this.#scanner.take()
    return this.#flowPart(...ends)
  }

  #flowPart(...ends: readonly TokenKind[]): YamlNode {
    return this.#is(...ends) ? this.#nothing(this.#scanner.peek().start) : this.#node(false, false)
  }
}
