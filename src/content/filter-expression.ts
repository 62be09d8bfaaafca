import { SlipwayError } from '../errors/slipway-error.ts'
import { unquote } from '../gostd/unquote.ts'

/** One test of a filter; `present` has no value. */
export interface Selector {
  /** The parts of `a.b`. */
  readonly path: readonly string[]
  readonly operator: 'present' | '==' | '!=' | '~='
  readonly value: string
}

type Kind = 'end' | 'quoted' | 'value' | 'field' | 'separator' | 'operator' | 'other'

interface Token {
  readonly kind: Kind
  readonly text: string
  readonly at: number
}

const patterns: readonly (readonly [kind: Kind, pattern: RegExp])[] = [
  ['separator', /[,.]/y],
  ['operator', /[=!~]+/y],
]

/**
 * Reads `field`, `field==value`, `field!=value`, `field~=pattern`, joined by commas. Values may be quoted as in Go, patterns also
 * in `/…/` and `|…|`. Throws `unknown` in containerd's words, as it reaches clients.
 * Source: https://github.com/containerd/containerd/blob/v2.1.0/pkg/filters/parser.go
 */
export function parseSelectors(text: string): readonly Selector[] {
  const scanner = new Scanner(text)
  const found = [parseSelector(scanner)]
  for (;;) {
    if (scanner.next === '') return found
    if (scanner.next !== ',') throw scanner.error(scanner.at + 1, `unexpected input: ${scanner.next}`)
    scanner.scan()
    found.push(parseSelector(scanner))
  }
}

function parseSelector(scanner: Scanner): Selector {
  const path = [parseField(scanner)]
  while (scanner.next === '.') {
    scanner.scan()
    path.push(parseField(scanner))
  }
  if (scanner.next === '' || scanner.next === ',') return { path, operator: 'present', value: '' }
  const { kind, text: operator, at } = scanner.scan()
  if (kind !== 'operator') throw scanner.error(at, 'expected an operator ("=="|"!="|"~=")')
  if (operator !== '==' && operator !== '!=' && operator !== '~=') {
    throw scanner.error(at, `unsupported operator ${JSON.stringify(operator)}`)
  }
  const value = scanner.scan(true)
  if (value.kind === 'quoted') return { path, operator, value: unquoted(value, operator === '~=', scanner) }
  if (value.kind !== 'value') throw scanner.error(value.at, 'expected value or quoted')
  return { path, operator, value: value.text }
}

function parseField(scanner: Scanner): string {
  const token = scanner.scan()
  if (token.kind === 'quoted') return unquoted(token, false, scanner)
  if (token.kind !== 'field') throw scanner.error(token.at, 'expected field or quoted')
  return token.text
}

function unquoted({ text, at }: Token, isPattern: boolean, scanner: Scanner): string {
  const mark = text[0] ?? ''
  if (!isPattern && mark !== '"') throw scanner.error(at, 'invalid quote encountered')
  const body = mark === '"' ? text.slice(1, -1) : text.slice(1, -1).replaceAll(`\\${mark}`, mark)
  try {
    return unquote(`"${mark === '"' ? body : body.replaceAll('"', '\\"')}"`)
  } catch {
    throw scanner.error(at, 'unquoting failed: quote syntax error')
  }
}

/** Reads tokens one by one. */
class Scanner {
  readonly #text: string
  /** Where the next token begins, or the blanks before it. */
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.#text[this.at] ?? ''
  }

  scan(wantsValue = false): Token {
    while (/\s/.test(this.next)) this.at++
    const { at } = this
    if (this.next === '') return { kind: 'end', text: '', at }
    if (/["/|]/.test(this.next)) return this.#take('quoted', this.#quoted(), at)
    const word = wantsValue ? (['value', /[^\s,\p{C}]+/uy] as const) : (['field', /[A-Za-z0-9_]+/y] as const)
    for (const [kind, pattern] of [...patterns, word]) {
      pattern.lastIndex = at
      const found = pattern.exec(this.#text)?.[0]
      if (found !== undefined) return this.#take(kind, found, at)
    }
    return this.#take('other', this.next, at)
  }

  error(at: number, message: string): SlipwayError {
    const text = this.#text
    const place = at < text.length ? `${text.slice(0, at)} >|${text[at]}|< ${text.slice(at + 1)}` : text
    return new SlipwayError('unknown', `filters: parse error: [${place}]: ${message}: invalid argument`)
  }

  #take(kind: Kind, text: string, at: number): Token {
    this.at = at + text.length
    return { kind, text, at }
  }

  #quoted(): string {
    const mark = this.next
    for (let end = this.at + 1; end < this.#text.length && this.#text[end] !== '\n'; end++) {
      if (this.#text[end] === mark) return this.#text.slice(this.at, end + 1)
      if (this.#text[end] !== '\\') continue
      end++
      const escaped = this.#text[end] ?? ''
      if (escaped !== mark && !/[abfnrtv\\0-7xuU]/.test(escaped))
        throw this.error(this.at, 'illegal escape sequence')
    }
    throw this.error(this.at, 'quoted literal not terminated')
  }
}
