import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { YamlError } from '../yaml/mark.ts'
import { parseYamlDocuments } from '../yaml/parse-documents.ts'
import { resolveScalar, scalarKind } from '../yaml/resolve-scalar.ts'
import type { MappingNode, YamlNode } from '../yaml/yaml-node.ts'
import { goTime } from './timestamp.ts'
import { isYamlList, isYamlMap, scalarText, type YamlValue } from './yaml-value.ts'

/** One document of a compose file, with the paths that `!reset` and `!override` clear in the files before it. */
export interface ComposeDocument {
  readonly value: YamlValue
  readonly cleared: readonly (readonly string[])[]
}

/** How many nodes a document may have once aliases are followed. */
const maxNodes = 200_000
/** How many values may be written in a document. */
const maxWritten = 100_000
/** How deep a document may be once aliases are followed. */
const maxPath = 500

/**
 * Parses the documents of a compose file, each when it is asked for. Throws `invalid-argument` in the words of Go's YAML
 * library.
 */
export function* parseComposeYaml(text: string, filename: string): Generator<ComposeDocument> {
  const fail = (message: string): SlipwayError =>
    new SlipwayError('invalid-argument', `failed to parse ${filename}: yaml: ${message}`)
  try {
    for (const root of parseYamlDocuments(text)) yield new Converter(root, fail).convert()
  } catch (error) {
    if (error instanceof YamlError) throw fail(error.message)
    throw error
  }
}

class Converter {
  readonly #root: YamlNode
  readonly #fail: (message: string) => SlipwayError
  readonly #cleared: string[][] = []
  /** Nodes that are being converted, and where they stand. */
  readonly #open = new Map<YamlNode, readonly string[]>()
  #oddKey: string | undefined
  #nodes = 0
  #written = 0
  #aliases = 0

  constructor(root: YamlNode, fail: (message: string) => SlipwayError) {
    this.#root = root
    this.#fail = fail
  }

  convert(): ComposeDocument {
    this.#refuseDoubleKeys(this.#root, 0)
    const value = this.#value(this.#root, []) ?? null
    if (this.#oddKey !== undefined) throw new SlipwayError('invalid-argument', this.#oddKey)
    return { value, cleared: this.#cleared }
  }

  /** What is wrong with values is told with the line of the whole document. */
  #wrong(message: string): SlipwayError {
    return this.#fail(`construct errors:\n  line ${this.#root.line}: ${message}`)
  }

  /** The value of a node; `undefined` for one that `!reset` takes away. */
  #value(node: YamlNode, path: readonly string[]): YamlValue | undefined {
    if (++this.#nodes > maxNodes) throw this.#wrong('yaml: document contains excessive aliasing')
    if (this.#aliases === 0 && ++this.#written > maxWritten)
      throw this.#wrong(`compose file exceeds maximum node visit limit (${maxWritten})`)
    if (path.length > maxPath) throw this.#fail('the document is nested too deeply')
    if (node.kind === 'alias') return this.#alias(node.target, path)
    if (node.tag === '!reset' || node.tag === '!override') this.#cleared.push([...path])
    if (node.tag === '!reset') return undefined
    if (node.kind === 'scalar') return this.#scalar(() => resolveScalar(node))
    const outer = this.#open.get(node)
    this.#open.set(node, path)
    const value = node.kind === 'sequence' ? this.#list(node.items, path) : this.#map(node, path)
    if (outer === undefined) this.#open.delete(node)
    else this.#open.set(node, outer)
    return value
  }

  #alias(target: YamlNode, path: readonly string[]): YamlValue | undefined {
    const from = this.#open.get(target)
    if (from === undefined) {
      this.#aliases++
      const value = this.#value(target, path)
      this.#aliases--
      return value
    }
    const again = [...path, ...path.slice(from.length)].join('.')
    throw this.#wrong(`cycle detected: node at path ${again} references node at path ${path.join('.')}`)
  }

  #scalar(resolve: () => YamlValue): YamlValue {
    try {
      return resolve()
    } catch (error) {
      if (error instanceof YamlError) throw this.#wrong(`yaml: ${error.message}`)
      throw error
    }
  }

  #list(items: readonly YamlNode[], path: readonly string[]): YamlValue {
    return items.flatMap((item, i) => {
      const value = this.#value(item, [...path, String(i)])
      return value === undefined ? [] : [value]
    })
  }

  #map({ pairs }: MappingNode, path: readonly string[]): YamlValue {
    const lines = new Map<string, number>()
    for (const [key] of pairs) {
      const doubled = doubledKey(key, lines)
      if (doubled !== undefined) throw this.#fail(`construct errors:\n  ${doubled}`)
    }
    const out = new Map<string, YamlValue>()
    const merged: YamlNode[] = []
    for (const [written, valueNode] of pairs) {
      const keyNode = written.kind === 'alias' ? written.target : written
      if (keyNode.kind === 'scalar' && keyNode.plain && keyNode.value === '<<') merged.push(valueNode)
      else {
        const key = this.#key(keyNode, path)
        const value = this.#value(valueNode, [...path, key])
        if (value !== undefined) out.set(key, value)
      }
    }
    for (const node of merged) this.#merge(node, out, path)
    return out
  }

  /** Keys that stand in a mapping twice are told of before all else that is wrong with values. */
  #refuseDoubleKeys(node: YamlNode, depth: number): void {
    if (depth > maxPath || node.kind === 'scalar' || node.kind === 'alias') return
    if (node.tag === '!reset' || node.tag === '!override') return
    if (node.kind === 'sequence') {
      for (const item of node.items) this.#refuseDoubleKeys(item, depth + 1)
      return
    }
    const lines = new Map<string, number>()
    for (const [key, value] of node.pairs) {
      const doubled = doubledKey(key, lines)
      if (doubled !== undefined) throw this.#wrong(doubled)
      this.#refuseDoubleKeys(value, depth + 1)
    }
  }

  #key(node: YamlNode, path: readonly string[]): string {
    if (node.kind !== 'scalar') {
      const shown = goSyntax(this.#value(node, path) ?? null)
      throw this.#wrong(`yaml: cannot use '${shown}' as a map key; try decoding into yaml.Node`)
    }
    const value = this.#scalar(() => resolveScalar(node))
    const kind = scalarKind(node)
    if (kind === 'text') return scalarText(value)
    const where =
      path.length === 0 ? 'at top level' : `in ${path.join('.').replace(/\.(\d+)(?=\.|$)/g, '[$1]')}`
    this.#oddKey ??= `non-string key ${where}: ${kind === 'time' ? goTime(scalarText(value)) : value === null ? '<nil>' : scalarText(value)}`
    return scalarText(value)
  }

  /** `<<: *anchor`: keys that the mapping does not have itself. */
  #merge(node: YamlNode, out: Map<string, YamlValue>, path: readonly string[]): void {
    const merged = this.#value(node, path)
    const sources = Array.isArray(merged) ? (merged as readonly YamlValue[]) : [merged]
    for (const source of sources) {
      if (!(source instanceof Map))
        throw this.#wrong('yaml: map merge requires map or sequence of maps as the value')
      for (const [k, v] of source as ReadonlyMap<string, YamlValue>) if (!out.has(k)) out.set(k, v)
    }
  }
}

/** What is wrong with a key that stood before in the same mapping. */
function doubledKey(written: YamlNode, lines: Map<string, number>): string | undefined {
  const node = written.kind === 'alias' ? written.target : written
  const text = node.kind === 'scalar' ? node.value : ''
  const before = lines.get(text)
  lines.set(text, written.line)
  return before === undefined
    ? undefined
    : `line ${written.line}: mapping key ${quote(text)} already defined at line ${before}`
}

/** A value as Go's `%#v` writes it. */
function goSyntax(value: YamlValue): string {
  if (value === null) return 'interface {}(nil)'
  if (typeof value === 'string') return quote(value)
  if (isYamlList(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (!isYamlMap(value)) return scalarText(value)
  const pairs = [...value].map(([key, member]) => `${quote(key)}:${goSyntax(member)}`)
  return `map[string]interface {}{${pairs.sort().join(', ')}}`
}
