import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
} from 'yaml'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { timestampText } from './timestamp.ts'
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
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    intAsBigInt: true,
    merge: false,
    uniqueKeys: false,
    lineCounter: lines,
    customTags: tags => [...tags, ...(clearing('!reset') as never[]), ...(clearing('!override') as never[])],
    logLevel: 'silent',
  })
  if (!Array.isArray(documents)) return []
  const fail = (message: string): SlipwayError =>
    new SlipwayError('invalid-argument', `failed to parse ${filename}: yaml: ${message}`)
  return (documents as Document.Parsed[]).flatMap(document => {
    // An alias without its anchor is reported where it is followed, in Go's words.
    const error = document.errors.find(e => e.code !== 'BAD_ALIAS' || !e.message.includes('Unresolved alias'))
    if (error !== undefined) {
      const colon = strayColon(error, text)
      if (colon !== undefined) {
        const { line, col } = lines.linePos(colon)
        throw fail(`line ${line}, column ${col}: mapping values are not allowed in this context`)
      }
      const line = error.linePos?.[0].line
      const deep = error.message.startsWith('Maximum call stack size')
      if (deep) throw fail('the document is nested too deeply')
      throw fail(`${line === undefined ? '' : `line ${line}: `}${error.message.split('\n')[0]}`)
    }
    return document.contents === null ? [] : [new Converter(document, lines, fail).convert()]
  })
}

/** Where the colon is that makes a key of what cannot be one; undefined for other errors. */
function strayColon(
  { code, pos }: { code: string; pos: readonly number[] },
  text: string,
): number | undefined {
  if (code !== 'MULTILINE_IMPLICIT_KEY' && code !== 'BLOCK_AS_IMPLICIT_KEY') return undefined
  const found = text.slice(pos[0]).search(/:(?=\s|$)/)
  return found < 0 ? undefined : (pos[0] ?? 0) + found
}

class Converter {
  readonly #document: Document.Parsed
  readonly #lines: LineCounter
  readonly #fail: (message: string) => SlipwayError
  readonly #cleared: string[][] = []
  #nodes = 0

  constructor(document: Document.Parsed, lines: LineCounter, fail: (message: string) => SlipwayError) {
    this.#document = document
    this.#lines = lines
    this.#fail = fail
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
    if (isAlias(node)) {
      const anchored = node.resolve(this.#document)
      if (anchored !== undefined) return this.#value(anchored, path)
      const { line, column } = this.#place(node)
      throw this.#fail(`line ${line}, column ${column + 1}: unknown anchor '${node.source}' referenced`)
    }
    if (node.tag === '!reset' || node.tag === '!override') this.#cleared.push([...path])
    if (node.tag === '!reset') return undefined
    if (isScalar(node)) return plainTimestamp(node) ?? plainInteger(node) ?? scalar(node.value)
    if (isSeq(node)) {
      return node.items.flatMap((item, i) => {
        const value = this.#value(item as Node | null, [...path, String(i)])
        return value === undefined ? [] : [value]
      })
    }
    if (!isMap(node)) return null
    const out = new Map<string, YamlValue>()
    const seen = new Map<string, number>()
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? scalarText(scalar(pair.key.value)) : ''
      if (isScalar(pair.key)) this.#unique(key, pair.key as Node, seen)
      if (key === '<<') this.#merge(pair.value as Node | null, out, path)
      else {
        const value = this.#value(pair.value as Node | null, [...path, key])
        if (value !== undefined) out.set(key, value)
      }
    }
    return out
  }

  #place(node: Node): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(node.range?.[0] ?? 0)
    return { line, column: col }
  }

  #unique(key: string, node: Node, seen: Map<string, number>): void {
    const { line } = this.#place(node)
    const before = seen.get(key)
    seen.set(key, line)
    if (before === undefined) return
    const start = this.#document.contents === null ? line : this.#place(this.#document.contents).line
    const already = `mapping key ${quote(key)} already defined at line ${before}`
    throw this.#fail(`construct errors:\n  line ${start}: line ${line}: ${already}`)
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

function plainTimestamp(node: Scalar): string | undefined {
  return node.type === 'PLAIN' && typeof node.value === 'string' ? timestampText(node.value) : undefined
}

/** Whole numbers that only the older YAML has: octal with a leading zero, binary, with underscores. */
function plainInteger({ type, source }: Scalar): bigint | undefined {
  const match =
    type === 'PLAIN' ? /^([-+]?)(0[0-7_]+|0b[01_]+|[1-9][0-9]*_[0-9_]*)$/.exec(source ?? '') : null
  if (match === null) return undefined
  const digits = (match[2] as string).replaceAll('_', '')
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return match[1] === '-' ? -size : size
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
  return null
}
