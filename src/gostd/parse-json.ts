import { SlipwayError } from '../errors/slipway-error.ts'

/** A value of a JSON text, with the text it was written as: numbers keep their form, objects every member. */
export type JsonNode =
  | { readonly kind: 'null' | 'bool' | 'number'; readonly raw: string }
  | { readonly kind: 'string'; readonly raw: string; readonly text: string }
  | { readonly kind: 'array'; readonly raw: string; readonly items: readonly JsonNode[] }
  | {
      readonly kind: 'object'
      readonly raw: string
      readonly members: readonly (readonly [string, JsonNode])[]
    }

const deepest = 10_000

/**
 * Reads a JSON text. Throws `invalid-argument` in the words of Go's encoding/json (`invalid character 'x' looking for
 * beginning of value`, `unexpected end of JSON input`): https://github.com/golang/go/blob/go1.25.0/src/encoding/json/scanner.go
 */
export function parseJson(text: string): JsonNode {
  return new JsonParser(text).parse()
}

/**
 * Reads the first value of a stream of JSON, as Go's json.Decoder: `rest` is what comes after it. Throws
 * `invalid-argument`: `EOF` where there is none, `unexpected EOF` where it has no end.
 */
export function decodeJson(text: string): { readonly node: JsonNode; readonly rest: string } {
  if (/^[ \t\r\n]*$/.test(text)) throw new SlipwayError('invalid-argument', 'EOF')
  const parser = new JsonParser(text, 'unexpected EOF')
  const node = parser.parseFirst()
  return { node, rest: text.slice(parser.end) }
}

class JsonParser {
  readonly #text: string
  readonly #eof: string
  #at = 0
  #depth = 0

  constructor(text: string, eof = 'unexpected end of JSON input') {
    this.#text = text
    this.#eof = eof
  }

  get end(): number {
    return this.#at
  }

  parseFirst(): JsonNode {
    return this.#value()
  }

  parse(): JsonNode {
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value')
    return value
  }

  #value(): JsonNode {
    this.#space()
    const start = this.#at
    const raw = (): string => this.#text.slice(start, this.#at)
    const char = this.#text[start]
    switch (char) {
      case '{': {
        const members = this.#nested(() => this.#members())
        return { kind: 'object', raw: raw(), members }
      }
      case '[': {
        const items = this.#nested(() => this.#items())
        return { kind: 'array', raw: raw(), items }
      }
      case '"': {
        const text = this.#string()
        return { kind: 'string', raw: raw(), text }
      }
      case 't':
      case 'f':
        this.#word(char === 't' ? 'true' : 'false')
        return { kind: 'bool', raw: raw() }
      case 'n':
        this.#word('null')
        return { kind: 'null', raw: raw() }
      default:
        if (char === undefined || !/[-0-9]/.test(char))
          throw this.#unexpected('looking for beginning of value')
        this.#number()
        return { kind: 'number', raw: raw() }
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > deepest) throw new SlipwayError('invalid-argument', 'exceeded max depth')
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #members(): (readonly [string, JsonNode])[] {
    const members: (readonly [string, JsonNode])[] = []
    if (this.#skips('}')) return members
    do {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string')
      const key = this.#string()
      if (!this.#skips(':')) throw this.#unexpected('after object key')
      members.push([key, this.#value()])
    } while (this.#skips(','))
    if (!this.#skips('}')) throw this.#unexpected('after object key:value pair')
    return members
  }

  #items(): JsonNode[] {
    const items: JsonNode[] = []
    if (this.#skips(']')) return items
    do items.push(this.#value())
    while (this.#skips(','))
    if (!this.#skips(']')) throw this.#unexpected('after array element')
    return items
  }

  #string(): string {
    const start = this.#at++
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined || char < ' ') throw this.#unexpected('in string literal')
      this.#at++
      if (char === '"') return JSON.parse(this.#text.slice(start, this.#at)) as string
      if (char !== '\\') continue
      const escape = this.#text[this.#at] ?? ''
      if (!/^["\\/bfnrtu]$/.test(escape)) throw this.#unexpected('in string escape code')
      this.#at++
      if (escape !== 'u') continue
      for (let i = 0; i < 4; i++) this.#one(/[0-9a-fA-F]/, 'in \\u hexadecimal character escape')
    }
  }

  #number(): void {
    if (this.#text[this.#at] === '-') this.#at++
    if (this.#text[this.#at] === '0') this.#at++
    else {
      this.#one(/[1-9]/, 'in numeric literal')
      this.#digits()
    }
    if (this.#text[this.#at] === '.') {
      this.#at++
      this.#one(/[0-9]/, 'after decimal point in numeric literal')
      this.#digits()
    }
    if (!/^[eE]$/.test(this.#text[this.#at] ?? '')) return
    this.#at++
    if (/^[-+]$/.test(this.#text[this.#at] ?? '')) this.#at++
    this.#one(/[0-9]/, 'in exponent of numeric literal')
    this.#digits()
  }

  #digits(): void {
    while (/^[0-9]$/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #word(word: string): void {
    for (const [i, char] of [...word].entries()) {
      if (this.#text[this.#at] !== char) {
        throw this.#unexpected(`in literal ${word} (expecting ${i === 0 ? '' : `'${char}'`})`)
      }
      this.#at++
    }
  }

  #one(wanted: RegExp, place: string): void {
    const char = this.#text[this.#at]
    if (char === undefined || !wanted.test(char)) throw this.#unexpected(place)
    this.#at++
  }

  #skips(char: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #space(): void {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #unexpected(place: string): SlipwayError {
    const char = this.#text[this.#at]
    if (char === undefined) return new SlipwayError('invalid-argument', this.#eof)
    return new SlipwayError('invalid-argument', `invalid character ${quoteByte(char)} ${place}`)
  }
}

/** Go names the first byte, as a character of its own. */
function quoteByte(char: string): string {
  const byte = Buffer.from(char)[0] ?? 0
  if (char === "'") return `'\\''`
  if (char === '"') return `'"'`
  const named = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 92: '\\\\' }[byte]
  if (named !== undefined) return `'${named}'`
  const isShown = (byte >= 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
  if (isShown) return `'${String.fromCharCode(byte)}'`
  const hex = byte.toString(16).padStart(2, '0')
  return byte < 0x80 ? `'\\x${hex}'` : `'\\u00${hex}'`
}
