import { end, isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, YamlCursor } from './cursor.ts'
import { type Mark, scanError } from './mark.ts'
import { scanBlock, scanPlain, scanQuoted } from './scan-scalar.ts'
import { scanAnchor, scanDirective, scanTag } from './scan-tag.ts'
import { type Token, type TokenKind, token } from './token.ts'

/** A place where a key without `?` may have begun; whether it is one shows when a colon follows. */
interface PossibleKey {
  /** Only a key may stand here. */
  required: boolean
  readonly flowLevel: number
  /** Number of the token that would be the key, counted over the whole text. */
  readonly tokenNumber: number
  readonly mark: Mark
}

/** How deep brackets may be nested, and blocks. */
const maxDepth = 10_000
/** How far behind a comment is looked for another one. */
const commentReach = 512

const brackets: Readonly<Record<string, TokenKind>> = {
  '[': 'flow-sequence',
  '{': 'flow-mapping',
  ']': 'flow-sequence-end',
  '}': 'flow-mapping-end',
}

/**
 * The tokens of a YAML text, with those of blocks, which only indentation shows, put in. It reads ahead as far as the Go
 * library does, so that of several mistakes the same one is found first.
 */
export class YamlScanner {
  readonly #cursor: YamlCursor
  #tokens: Token[] = []
  /** Index of the next one. */
  #head = 0
  /** Tokens that have been taken. */
  #taken = 0
  #isReady = false
  #flowLevel = 0
  #indent = -1
  readonly #indents: number[] = []
  #keyAllowed = true
  #keyPossible = false
  #key: PossibleKey
  readonly #outerKeys: PossibleKey[] = []

  constructor(text: string) {
    this.#cursor = new YamlCursor(text)
    this.#key = this.#noKey()
  }

  /** The next token, which stays. After the end of the stream come more such ends. */
  peek(): Token {
    if (!this.#isReady) {
      while (this.#needsMore()) this.#fetch()
      this.#isReady = true
    }
    return this.#tokens[this.#head] as Token
  }

  /** Takes the next token. */
  take(): Token {
    const taken = this.peek()
    this.#head++
    this.#taken++
    if (this.#head > 1000 && this.#head * 2 > this.#tokens.length) {
      this.#tokens = this.#tokens.slice(this.#head)
      this.#head = 0
    }
    this.#isReady = false
    return taken
  }

  #needsMore(): boolean {
    if (this.#tokens.length - this.#head <= 2) return true
    const first = this.#outerKeys[0] ?? (this.#keyPossible ? this.#key : undefined)
    return first !== undefined && first.tokenNumber === this.#taken
  }

  #noKey(): PossibleKey {
    return { required: false, flowLevel: 0, tokenNumber: 0, mark: { index: 0, line: 0, column: 0 } }
  }

  /** Puts a token in, `before` so many that wait; at the end without. */
  #add(added: Token, before = -1): void {
    if (before < 0) this.#tokens.push(added)
    else this.#tokens.splice(this.#head + before, 0, added)
  }

  #fetch(): void {
    const cursor = this.#cursor
    const from = cursor.mark
    this.#skipSpace()
    this.#leaveBlocks(cursor.column, from)
    const char = cursor.at()
    if (char === end) return this.#fetchEnd()
    if (cursor.column === 0 && char === '%') {
      this.#leaveAll()
      return this.#add(scanDirective(cursor))
    }
    for (const indicator of ['-', '.'] as const) {
      if (!cursor.atDocumentIndicator(indicator)) continue
      this.#leaveAll()
      return this.#add(this.#skipped(indicator === '-' ? 'document-start' : 'document-end', 3))
    }
    this.#fetchContent(char)
    if (this.#tokens.at(-1)?.kind !== 'block-entry') this.#skipLineComment()
  }

  #fetchContent(char: string): void {
    const next = this.#cursor.at(1)
    if (char in brackets) this.#fetchBracket(brackets[char] as TokenKind)
    else if (char === ',') this.#fetchEntry('flow-entry')
    else if (char === '-' && isBlankOrEnd(next)) this.#fetchEntry('block-entry')
    else if (char === '?' && isBlankOrEnd(next)) this.#fetchKey()
    else if (char === ':' && (isBlankOrEnd(next) || this.#isFlowValue())) this.#fetchValue()
    else if (char === '*' || char === '&') {
      this.#beginsNode()
      this.#add(scanAnchor(this.#cursor, char === '&' ? 'anchor' : 'alias'))
    } else if (char === '!') {
      this.#beginsNode()
      this.#add(scanTag(this.#cursor))
    } else if ((char === '|' || char === '>') && this.#flowLevel === 0) {
      this.#dropKey()
      this.#keyAllowed = true
      this.#add(scanBlock(this.#cursor, this.#indent))
    } else if (char === "'" || char === '"') {
      this.#beginsNode()
      this.#add(scanQuoted(this.#cursor))
    } else if (beginsPlain(char, next)) {
      this.#beginsNode()
      const scalar = scanPlain(this.#cursor, { indent: this.#indent, isFlow: this.#flowLevel > 0 })
      this.#add(scalar.token)
      if (scalar.endsWithBreaks) this.#keyAllowed = true
    } else {
      const { mark } = this.#cursor
      const context = 'while scanning for the next token'
      throw scanError('found character that cannot start any token', mark, context, mark)
    }
  }

  /** Inside brackets a colon separates though nothing follows it, but not where an entry of a list begins. */
  #isFlowValue(): boolean {
    const before = this.#tokens.at(-1)?.kind
    return this.#flowLevel > 0 && before !== 'flow-entry' && before !== 'flow-sequence'
  }

  #skipped(kind: TokenKind, count = 1): Token {
    const start = this.#cursor.mark
    this.#cursor.skip(count)
    return token(kind, start, this.#cursor.mark)
  }

  #skipSpace(): void {
    const cursor = this.#cursor
    for (;;) {
      if (cursor.column === 0 && cursor.at() === '\uFEFF') cursor.skip()
      while (cursor.at() === ' ' || (cursor.at() === '\t' && (this.#flowLevel > 0 || !this.#keyAllowed)))
        cursor.skip()
      if (cursor.at() === '#') this.#skipComments()
      if (!isBreak(cursor.at())) return
      cursor.takeLine()
      if (this.#flowLevel === 0) this.#keyAllowed = true
    }
  }

  /** Comments that follow each other are taken together, whatever blanks stand before them. */
  #skipComments(): void {
    const cursor = this.#cursor
    for (;;) {
      while (!isBreakOrEnd(cursor.at())) cursor.skip()
      let ahead = 0
      while (ahead < commentReach && (isBlank(cursor.at(ahead)) || isBreak(cursor.at(ahead)))) ahead++
      if (cursor.at(ahead) !== '#') return
      while (cursor.at() !== '#') if (cursor.takeLine() === '') cursor.skip()
    }
  }

  #skipLineComment(): void {
    const cursor = this.#cursor
    if (cursor.newlines > 0) return
    let ahead = 0
    while (ahead < commentReach && isBlank(cursor.at(ahead))) ahead++
    if (cursor.at(ahead) === '#') while (!isBreakOrEnd(cursor.at())) cursor.skip()
  }

  /** What begins here may be a key. */
  #beginsNode(): void {
    this.#saveKey()
    this.#keyAllowed = false
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return
    this.#dropKey()
    const { mark } = this.#cursor
    this.#keyPossible = true
    this.#key = {
      required: this.#flowLevel === 0 && this.#indent === mark.column,
      flowLevel: this.#flowLevel,
      tokenNumber: this.#taken + this.#tokens.length - this.#head,
      mark,
    }
  }

  #dropKey(): void {
    if (this.#key.required) {
      const context = 'while scanning a simple key'
      throw scanError("could not find expected ':'", this.#cursor.mark, context, this.#key.mark)
    }
    this.#keyPossible = false
  }

  #enterBlock(column: number, kind: TokenKind, mark: Mark, tokenNumber = -1): void {
    if (this.#flowLevel > 0 || this.#indent >= column) return
    this.#indents.push(this.#indent)
    this.#indent = column
    if (this.#indents.length > maxDepth) this.#failDepth('while increasing indent level')
    this.#add(token(kind, mark, mark), tokenNumber < 0 ? -1 : tokenNumber - this.#taken)
  }

  #failDepth(context: string): never {
    throw scanError(`exceeded max depth of ${maxDepth}`, this.#cursor.mark, context, this.#key.mark)
  }

  #leaveBlocks(column: number, mark: Mark): void {
    if (this.#flowLevel > 0) return
    while (this.#indent > column) {
      this.#add(token('block-end', mark, mark))
      this.#indent = this.#indents.pop() ?? -1
    }
  }

  #leaveAll(): void {
    this.#leaveBlocks(-1, this.#cursor.mark)
    this.#dropKey()
    this.#keyAllowed = false
  }

  #fetchEnd(): void {
    this.#cursor.endLine()
    this.#leaveAll()
    this.#key = this.#noKey()
    this.#outerKeys.length = 0
    this.#add(token('stream-end', this.#cursor.mark, this.#cursor.mark))
  }

  #fetchBracket(kind: TokenKind): void {
    if (kind === 'flow-sequence' || kind === 'flow-mapping') {
      this.#saveKey()
      if (++this.#flowLevel > maxDepth) this.#failDepth('while increasing flow level')
      if (this.#keyPossible) this.#outerKeys.push(this.#key)
      this.#key = this.#noKey()
      this.#keyAllowed = true
    } else {
      this.#dropKey()
      this.#leaveBracket()
      this.#keyAllowed = false
    }
    this.#add(this.#skipped(kind))
  }

  #leaveBracket(): void {
    if (this.#flowLevel === 0) return
    this.#flowLevel--
    const outer = this.#outerKeys.at(-1)
    if (outer?.flowLevel !== this.#flowLevel) return
    this.#key = outer
    this.#outerKeys.pop()
    this.#keyPossible = true
  }

  #fetchEntry(kind: 'flow-entry' | 'block-entry'): void {
    const { mark } = this.#cursor
    if (kind === 'block-entry' && this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw scanError('block sequence entries are not allowed in this context', mark)
      this.#enterBlock(mark.column, 'block-sequence', mark)
    }
    this.#dropKey()
    this.#keyAllowed = true
    this.#add(this.#skipped(kind))
  }

  #fetchKey(): void {
    const { mark } = this.#cursor
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw scanError('mapping keys are not allowed in this context', mark)
      this.#enterBlock(mark.column, 'block-mapping', mark)
    }
    this.#dropKey()
    this.#keyAllowed = this.#flowLevel === 0
    this.#add(this.#skipped('key'))
  }

  #fetchValue(): void {
    const { mark } = this.#cursor
    const key = this.#key
    if (this.#keyPossible && key.mark.line === mark.line) {
      this.#add(token('key', key.mark, key.mark), key.tokenNumber - this.#taken)
      this.#enterBlock(key.mark.column, 'block-mapping', key.mark, key.tokenNumber)
      this.#keyPossible = false
      key.required = false
      this.#keyAllowed = false
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#keyAllowed) throw scanError('mapping values are not allowed in this context', mark)
        this.#enterBlock(mark.column, 'block-mapping', mark)
      }
      this.#keyAllowed = this.#flowLevel === 0
    }
    this.#add(this.#skipped('value'))
  }
}

function beginsPlain(char: string, next: string): boolean {
  if (char === '-') return !isBlank(next)
  if (char === '?' || char === ':') return !isBlankOrEnd(next)
  return !isBlankOrEnd(char) && !',[]{}#&*!|>\'"%@`'.includes(char)
}
