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
    const c = this.#text[this.#at]
    if (c === '{') return this.#object(depth)
    if (c === '[') return this.#array(depth)
    if (c === '"') return { kind: 'string', value: this.#string() }
    const word = this.#match(/true|false|null/y)
    if (word !== undefined)
      return word === 'null' ? { kind: 'null' } : { kind: 'bool', value: word === 'true' }
    const number = this.#match(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y)
    if (number !== undefined) return { kind: 'number', text: number }
    throw this.#unexpected('looking for beginning of value')
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

  #unexpected(where: string): ConversionError {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) return new ConversionError(this.#text.trim() === '' ? 'EOF' : 'unexpected EOF')
    return new ConversionError(`invalid character ${quoteRune(String.fromCodePoint(code))} ${where}`)
  }

  #string(): string {
    const raw = this.#match(/"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\u0000-\u001f])*"/y)
    if (raw !== undefined) return (JSON.parse(raw) as string).toWellFormed()
    this.#match(/"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\u0000-\u001f])*\\?/y)
    throw this.#unexpected('in string literal')
  }

  #object(depth: number): JsonNode {
    this.#at++
    const entries: [string, JsonNode][] = []
    this.#space()
    if (this.#match(/\}/y) !== undefined) return { kind: 'object', entries }
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string')
      const key = this.#string()
      this.#space()
      if (this.#match(/:/y) === undefined) throw this.#unexpected('after object key')
      entries.push([key, this.value(depth + 1)])
      this.#space()
      const next = this.#match(/[,}]/y)
      if (next === '}') return { kind: 'object', entries }
      if (next === undefined) throw this.#unexpected('after object key:value pair')
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
      if (next === undefined) throw this.#unexpected('after array element')
    }
  }
}
