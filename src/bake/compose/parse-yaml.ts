import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { scalarText, type YamlValue } from './yaml-value.ts'

/** One document of a compose file, with the paths that `!reset` and `!override` clear in the files before it. */
export interface ComposeDocument {
  readonly value: YamlValue
  readonly cleared: readonly (readonly string[])[]
}

/** How many nodes a document may have once aliases are followed. */
const maxNodes = 200_000

/** Parses the documents of a compose file. Throws `invalid-argument` with the line of a syntax error. */
export function parseComposeYaml(text: string, filename: string): ComposeDocument[] {
  const tag = (name: string): { tag: string; resolve: (v: unknown) => unknown } => ({
    tag: name,
    resolve: v => v,
  })
  const clearing = (name: string): readonly object[] => [
    { ...tag(name), collection: 'map' },
    { ...tag(name), collection: 'seq' },
    tag(name),
  ]
  const documents = parseAllDocuments(text, {
    intAsBigInt: true,
    merge: true,
    uniqueKeys: true,
    customTags: tags => [...tags, ...(clearing('!reset') as never[]), ...(clearing('!override') as never[])],
    logLevel: 'silent',
  })
  if (!Array.isArray(documents)) return []
  return (documents as Document.Parsed[]).flatMap(document => {
    const [error] = document.errors
    if (error !== undefined) {
      const line = error.linePos?.[0].line
      const place = line === undefined ? '' : `line ${line}: `
      throw new SlipwayError(
        'invalid-argument',
        `failed to parse ${filename}: yaml: ${place}${error.message.split('\n')[0]}`,
      )
    }
    return document.contents === null ? [] : [new Converter(document).convert()]
  })
}

class Converter {
  readonly #document: Document.Parsed
  readonly #cleared: string[][] = []
  #nodes = 0

  constructor(document: Document.Parsed) {
    this.#document = document
  }

  convert(): ComposeDocument {
    const value = this.#value(this.#document.contents, []) ?? null
    return { value, cleared: this.#cleared }
  }

  /** The value of a node; `undefined` for one that `!reset` takes away. */
  #value(node: Node | null, path: readonly string[]): YamlValue | undefined {
    if (++this.#nodes > maxNodes || path.length > 100) {
      throw new SlipwayError('invalid-argument', 'the compose file expands to too many values')
    }
    if (node === null) return null
    if (isAlias(node)) return this.#value(node.resolve(this.#document) ?? null, path)
    if (node.tag === '!reset' || node.tag === '!override') this.#cleared.push([...path])
    if (node.tag === '!reset') return undefined
    if (isScalar(node)) return scalar(node.value)
    if (isSeq(node)) {
      return node.items.flatMap((item, i) => {
        const value = this.#value(item as Node | null, [...path, String(i)])
        return value === undefined ? [] : [value]
      })
    }
    if (!isMap(node)) return null
    const out = new Map<string, YamlValue>()
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? scalarText(scalar(pair.key.value)) : ''
      if (key === '<<') this.#merge(pair.value as Node | null, out, path)
      else {
        const value = this.#value(pair.value as Node | null, [...path, key])
        if (value !== undefined) out.set(key, value)
      }
    }
    return out
  }

  /** `<<: *anchor`: keys that the mapping does not have itself. */
  #merge(node: Node | null, out: Map<string, YamlValue>, path: readonly string[]): void {
    const merged = this.#value(node, path)
    const sources = Array.isArray(merged) ? (merged as readonly YamlValue[]) : [merged]
    for (const source of sources) {
      if (!(source instanceof Map)) continue
      for (const [k, v] of source as ReadonlyMap<string, YamlValue>) if (!out.has(k)) out.set(k, v)
    }
  }
}

function scalar(value: unknown): YamlValue {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    typeof value === 'bigint' ||
    typeof value === 'number'
  )
    return value
  if (value instanceof Date) return value.toISOString()
  return null
}
