import { fileStart, type Pos } from '../position.ts'
import { advance } from './advance.ts'
import { isBadByte } from './source-text.ts'
import type { Token, TokenKind } from './token.ts'

/** What the scanner begins in: `config` for files and expressions, `template` for the text of a bare template. */
export type ScanMode = 'config' | 'template'

interface Frame {
  readonly mode: 'config' | 'quoted' | 'heredoc' | 'template'
  /** Brace depth at which a `}` ends this stretch of code inside a template. */
  readonly braces?: number
  readonly marker?: string
  startOfLine?: boolean
}

const identifier = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy
const number = /[0-9](?:(?:[0-9.]|[eE][+-]?[0-9])*(?:[0-9]|[eE][+-]?[0-9]))?/y
const comment = /(?:#|\/\/)[^\n]*\n?|\/\*[^]*?\*\//y
const heredoc = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy
const operators = ['...', '==', '!=', '>=', '<=', '&&', '||', '::', '=>'] as const
const single = new Set("[](){}.,*/%+-=<>!?:&|~^;`'")
/** A stretch of quoted text: anything but a quote, a line end or the start of a template sequence. */
const quoted = /(?:\\[^\r\n]|[^$%"\\\r\n])+/y
const midline = /[^$%\r\n]+/y

/** Cuts source text into tokens; the last one is always `eof`. Never fails: what fits nowhere becomes `invalid`. */
export function scanTokens(
  text: string,
  filename: string,
  start: Pos = fileStart,
  mode: ScanMode = 'config',
): Token[] {
  const scanner = new Scanner(text, filename, start)
  scanner.run(mode)
  return scanner.tokens
}

class Scanner {
  readonly tokens: Token[] = []
  readonly #text: string
  readonly #filename: string
  readonly #frames: Frame[] = []
  /** The heredocs among them. */
  readonly #heredocs: Frame[] = []
  #at = 0
  #pos: Pos
  #braces = 0

  constructor(text: string, filename: string, start: Pos) {
    this.#text = text
    this.#filename = filename
    const bom = text.startsWith('\ufeff')
    this.#at = bom ? 1 : 0
    this.#pos = bom ? { ...start, byte: start.byte + 3 } : start
  }

  run(mode: ScanMode): void {
    this.#frames.push({ mode })
    while (this.#at < this.#text.length) {
      const frame = this.#frames.at(-1) as Frame
      if (frame.mode === 'config') this.#config()
      else if (frame.mode === 'quoted') this.#quoted()
      else this.#template(frame)
    }
    this.#emit('eof', 0)
  }

  #emit(kind: TokenKind, length: number): void {
    const text = this.#text.slice(this.#at, this.#at + length)
    const end = advance(this.#pos, text)
    this.tokens.push({ kind, text, range: { filename: this.#filename, start: this.#pos, end } })
    this.#at += length
    this.#pos = end
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0]
  }

  #config(): void {
    const text = this.#text
    const c = text[this.#at] as string
    if (c === ' ' || c === '\t') {
      this.#at++
      this.#pos = { byte: this.#pos.byte + 1, line: this.#pos.line, column: this.#pos.column + 1 }
      return
    }
    const word = this.#match(identifier)
    if (word !== undefined) return this.#emit('identifier', word.length)
    if (c >= '0' && c <= '9') return this.#emit('number', (this.#match(number) ?? c).length)
    if (c === '\n' || text.startsWith('\r\n', this.#at)) return this.#emit('newline', c === '\n' ? 1 : 2)
    if (c === '#' || c === '/') {
      const found = this.#match(comment)
      if (found !== undefined) return this.#emit('comment', found.length)
    }
    if (c === '"') {
      this.#emit('open-quote', 1)
      this.#frames.push({ mode: 'quoted' })
      return
    }
    if (c === '<' && this.#heredoc()) return
    if (text.startsWith('~}', this.#at)) return this.#closeBrace(2)
    if (c === '}') return this.#closeBrace(1)
    if (c === '{') {
      this.#braces++
      return this.#emit('{', 1)
    }
    const operator = operators.find(o => text.startsWith(o, this.#at))
    if (operator !== undefined) return this.#emit(operator, operator.length)
    if (single.has(c)) return this.#emit(c as TokenKind, 1)
    this.#stray()
  }

  #stray(): void {
    if (isBadByte(this.#text, this.#at)) return this.#emit('bad-utf8', 1)
    const unit = this.#text.charCodeAt(this.#at)
    this.#emit('invalid', unit >= 0xd800 && unit <= 0xdbff ? 2 : 1)
  }

  #heredoc(): boolean {
    const opener = this.#match(heredoc)
    if (opener === undefined) return false
    this.#emit('open-heredoc', opener.length)
    const marker = opener.replace(/^<<-?/, '').trimEnd()
    const frame: Frame = { mode: 'heredoc', marker, startOfLine: true }
    this.#frames.push(frame)
    this.#heredocs.push(frame)
    return true
  }

  #closeBrace(length: number): void {
    const inTemplate = this.#frames.at(-1)?.braces === this.#braces && this.#frames.length > 1
    if (inTemplate) {
      this.#emit('template-end', length)
      this.#frames.pop()
    } else this.#emit(length === 2 ? 'template-end' : '}', length)
    this.#braces--
  }

  /** Enters `${` or `%{` when one begins here. */
  #sequence(): boolean {
    const c = this.#text[this.#at]
    if ((c !== '$' && c !== '%') || this.#text[this.#at + 1] !== '{') return false
    this.#emit(c === '$' ? 'template-interp' : 'template-control', this.#text[this.#at + 2] === '~' ? 3 : 2)
    this.#braces++
    const heredocFrame = this.#heredocs.at(-1)
    if (heredocFrame !== undefined) heredocFrame.startOfLine = false
    this.#frames.push({ mode: 'config', braces: this.#braces })
    return true
  }

  /** At a `$` or `%` that ends the text, where the scanner would need one more character to tell what it is. */
  #isPending(): boolean {
    const c = this.#text[this.#at]
    return this.#at === this.#text.length - 1 && (c === '$' || c === '%')
  }

  /** Length of `$${`, `%%{` (with `~`), or of a `$` or `%` that begins nothing. */
  #escape(): number {
    const c = this.#text[this.#at] as string
    if (this.#text[this.#at + 1] === c && this.#text[this.#at + 2] === '{')
      return this.#text[this.#at + 3] === '~' ? 4 : 3
    return 1
  }

  #quoted(): void {
    if (this.#sequence()) return
    if (this.#isPending()) return this.#emit('invalid', 1)
    const c = this.#text[this.#at] as string
    if (c === '"') {
      this.#emit('close-quote', 1)
      this.#frames.pop()
      return
    }
    if (c === '$' || c === '%') return this.#emit('quoted-literal', this.#escape())
    if (c === '\n' || c === '\r') {
      let end = this.#at
      while (this.#text[end] === '\n' || this.#text[end] === '\r') end++
      return this.#emit('quoted-newline', end - this.#at)
    }
    const literal = this.#match(quoted)
    if (literal === undefined) return this.#stray()
    this.#literal('quoted-literal', literal)
  }

  #template(frame: Frame): void {
    if (this.#sequence()) return
    const c = this.#text[this.#at] as string
    const heredocFrame = frame.mode === 'heredoc'
    if (heredocFrame && this.#isPending()) return this.#emit('invalid', 1)
    let length = c === '$' || c === '%' ? this.#escape() : (this.#match(midline)?.length ?? 0)
    const after = this.#at + length
    const newline = this.#text[after] === '\n' ? 1 : this.#text.startsWith('\r\n', after) ? 2 : 0
    if (newline === 0 && length === 0) return this.#emit('invalid', 1)
    length += newline
    if (!heredocFrame) return this.#literal('string-literal', this.#text.slice(this.#at, this.#at + length))
    const line = this.#text.slice(this.#at, this.#at + length)
    if (newline > 0 && frame.startOfLine === true && line.trim() === frame.marker) {
      this.#emit('close-heredoc', length - newline)
      this.#emit('newline', newline)
      this.#frames.pop()
      this.#heredocs.pop()
      return
    }
    frame.startOfLine = newline > 0
    this.#literal('string-literal', line)
  }

  /** Emits a literal, cut where bytes are no UTF-8. */
  #literal(kind: TokenKind, literal: string): void {
    let good = 0
    while (good < literal.length && !isBadByte(literal, good)) good++
    if (good > 0) return this.#emit(kind, good)
    this.#emit('bad-utf8', 1)
  }
}
