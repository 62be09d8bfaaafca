import { quoteRune } from '../../gostd/quote.ts'
import { maxDepth } from '../syntax/parser.ts'
import { ConversionError } from '../value/convert.ts'
import type { JsonNode } from '../value/json-value.ts'

/** Reads a plain JSON document, numbers as their text; throws a `ConversionError` in the words of Go's decoder. */
export function parseJsonDocument(source: string): JsonNode {
  const reader = new Reader(source)
  const node = reader.value(0)
  if (!reader.atEnd()) throw new ConversionError('extraneous data after JSON object')
  return node
}

/**
 * Reads a JSON document for a value of a known type, `convert`: what follows a number, text or word is not looked at, and
 * what follows an object or array is complained of last. Throws as `parseJsonDocument` and `convert` do.
 */
export function convertJsonDocument<T>(source: string, convert: (node: JsonNode) => T): T {
  const reader = new Reader(source)
  let node: JsonNode
  try {
    node = reader.value(0)
  } catch (e) {
    checkFirst(source, convert)
    throw e
  }
  const value = convert(node)
  if ((node.kind === 'object' || node.kind === 'array') && !reader.atEnd())
    throw new ConversionError('extraneous data after JSON object')
  return value
}

/** Throws when a type takes no value that begins as the source does: that counts before anything wrong behind it. */
function checkFirst(source: string, convert: (node: JsonNode) => unknown): void {
  const [first] = source.trimStart()
  if (first !== '[' && first !== '{') return
  try {
    convert(first === '[' ? { kind: 'array', items: [] } : { kind: 'object', entries: [] })
  } catch (e) {
    if (e instanceof ConversionError && /^missing expected|is required$/.test(e.message)) throw e
  }
}

const words: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }

class Reader {
  readonly #text: string
  #at = 0

  constructor(source: string) {
    this.#text = source
  }

  atEnd(): boolean {
    this.#space()
    return this.#at >= this.#text.length
  }

  value(depth: number): JsonNode {
    if (depth > maxDepth) throw new ConversionError('exceeded max depth')
    this.#space()
    const c = this.#text[this.#at] ?? ''
    if (c === '{') return this.#object(depth)
    if (c === '[') return this.#array(depth)
    if (c === '"') return { kind: 'string', value: this.#string() }
    const word = words[c]
    if (word !== undefined) return this.#word(word)
    if (/[-0-9]/.test(c)) return { kind: 'number', text: this.#number() }
    throw this.#unexpected(' looking for beginning of value', 'EOF')
  }

  #word(word: string): JsonNode {
    for (let i = 0; i < word.length; i++, this.#at++) {
      if (this.#text[this.#at] !== word[i])
        throw this.#unexpected(` in literal ${word} (expecting ${quoteRune(word[i] as string)})`)
    }
    return word === 'null' ? { kind: 'null' } : { kind: 'bool', value: word === 'true' }
  }

  #number(): string {
    const start = this.#at
    this.#match(/-/y)
    if (this.#match(/0|[1-9][0-9]*/y) === undefined) throw this.#unexpected(' in numeric literal')
    if (this.#match(/\./y) !== undefined && this.#match(/[0-9]+/y) === undefined)
      throw this.#unexpected(' after decimal point in numeric literal')
    if (this.#match(/[eE][+-]?/y) !== undefined && this.#match(/[0-9]+/y) === undefined)
      throw this.#unexpected(' in exponent of numeric literal')
    return this.#text.slice(start, this.#at)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y)
  }

  #unexpected(where: string, atEnd = 'unexpected EOF'): ConversionError {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) return new ConversionError(atEnd)
    // Go's decoder goes by bytes, and shows the one it stopped at.
    const [byte = 0] = Buffer.from(String.fromCodePoint(code))
    return new ConversionError(`invalid character ${quoteRune(String.fromCharCode(byte))}${where}`)
  }

  #string(): string {
    const raw = this.#match(/"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\u0000-\u001f])*"/y)
    if (raw !== undefined) return (JSON.parse(raw) as string).toWellFormed()
    const plain = this.#match(/"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\u0000-\u001f])*/y)
    if (plain === undefined || this.#match(/\\/y) === undefined) throw this.#unexpected(' in string literal')
    if (this.#match(/u[0-9a-fA-F]{0,3}/y) !== undefined)
      throw this.#unexpected(' in \\u hexadecimal character escape')
    throw this.#unexpected(' in string escape code')
  }

  #object(depth: number): JsonNode {
    this.#at++
    const entries: [string, JsonNode][] = []
    this.#space()
    if (this.#match(/\}/y) !== undefined) return { kind: 'object', entries }
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"')
        throw this.#unexpected(
          entries.length === 0 ? '' : ' looking for beginning of object key string',
          'EOF',
        )
      const key = this.#string()
      this.#space()
      if (this.#match(/:/y) === undefined) throw this.#unexpected(' after object key', 'EOF')
      entries.push([key, this.value(depth + 1)])
      this.#space()
      const next = this.#match(/[,}]/y)
      if (next === '}') return { kind: 'object', entries }
      if (next === undefined) throw this.#unexpected(' after object key:value pair', 'EOF')
    }
  }

  #array(depth: number): JsonNode {
    this.#at++
    const items: JsonNode[] = []
    this.#space()
    if (this.#match(/\]/y) !== undefined) return { kind: 'array', items }
    for (;;) {
      items.push(this.value(depth + 1))
      this.#space()
      const next = this.#match(/[,\]]/y)
      if (next === ']') return { kind: 'array', items }
      if (next === undefined) throw this.#unexpected(' after array element', 'EOF')
    }
  }
}
