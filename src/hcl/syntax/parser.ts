import type { Diagnostic, Diagnostics } from '../diagnostic.ts'
import type { Range } from '../position.ts'
import type { Token, TokenKind } from './token.ts'

/** How deep expressions may be nested in one another. */
export const maxDepth = 250

const opposite: Partial<Record<TokenKind, TokenKind>> = {
  '{': '}',
  '[': ']',
  '(': ')',
  'open-quote': 'close-quote',
  'open-heredoc': 'close-heredoc',
  '}': '{',
  ']': '[',
  ')': '(',
  'close-quote': 'open-quote',
  'close-heredoc': 'open-heredoc',
  'template-control': 'template-end',
  'template-interp': 'template-end',
  'template-end': 'template-interp',
}

/** The bracket that closes or opens the given one. */
export function oppositeBracket(kind: TokenKind): TokenKind | undefined {
  return opposite[kind]
}

/** A position in a token list, with what all parts of the parser share. */
export class Parser {
  readonly diagnostics: Diagnostics
  /** Set once tokens have been skipped after an error; further complaints about tokens are then kept back. */
  recovery = false
  depth = 0
  readonly #tokens: readonly Token[]
  readonly #newlines: boolean[] = [true]
  #next = 0

  constructor(tokens: readonly Token[], diagnostics: Diagnostics) {
    this.#tokens = tokens
    this.diagnostics = diagnostics
  }

  /** The next token, comments left out, and newlines too where they mean nothing. */
  peek(): Token {
    return this.#find().token
  }

  /** Takes the next token. */
  read(): Token {
    const found = this.#find()
    this.#next = found.next
    return found.token
  }

  /** The place of the token read last. */
  previousRange(): Range {
    return this.#next === 0 ? this.peek().range : (this.#tokens[this.#next - 1] as Token).range
  }

  /** Runs `body` with newlines counting as tokens, or not. */
  withNewlines<T>(include: boolean, body: () => T): T {
    this.#newlines.push(include)
    try {
      return body()
    } finally {
      this.#newlines.pop()
    }
  }

  /** Tells whether the next token is the given word. */
  atWord(word: string): boolean {
    const token = this.peek()
    return token.kind === 'identifier' && token.text === word
  }

  /** Adds a diagnostic. */
  report(d: Diagnostic): void {
    this.diagnostics.push(d)
  }

  /** Adds a diagnostic unless tokens have been skipped before. */
  complain(d: Diagnostic): void {
    if (!this.recovery) this.diagnostics.push(d)
  }

  /** Whether parsing has failed since the list had `before` entries, so badly that tokens may be out of step. */
  lost(before: number): boolean {
    return this.recovery && this.diagnostics.length > before
  }

  /** Skips to behind the `end` that closes the current bracket. */
  recover(end: TokenKind): Token {
    const start = oppositeBracket(end)
    this.recovery = true
    let nested = 0
    for (;;) {
      const token = this.read()
      const kind =
        end === 'template-end' && token.kind === 'template-control' ? 'template-interp' : token.kind
      if (kind === start) nested++
      else if (kind === end && nested-- < 1) return token
      else if (kind === 'eof') return token
    }
  }

  /** Skips to behind the next bracket of kind `start` together with its content. */
  recoverOver(start: TokenKind): void {
    for (;;) {
      const { kind } = this.read()
      if (kind === start || kind === 'eof') break
    }
    this.recover(oppositeBracket(start) as TokenKind)
  }

  /** Skips to the beginning of the next attribute or block. */
  recoverAfterItem(): void {
    this.recovery = true
    const open: TokenKind[] = []
    const close = (matches: (kind: TokenKind) => boolean): void => {
      while (open.length > 0 && !matches(open.at(-1) as TokenKind)) open.pop()
      open.pop()
    }
    for (;;) {
      const { kind } = this.read()
      if (kind === 'eof' || (kind === 'newline' && open.length === 0)) return
      if (kind === 'template-end') close(k => k === 'template-interp' || k === 'template-control')
      else if (
        ['{', '[', '(', 'open-quote', 'open-heredoc', 'template-interp', 'template-control'].includes(kind)
      )
        open.push(kind)
      else if (['}', ']', ')', 'close-quote', 'close-heredoc'].includes(kind))
        close(k => k === oppositeBracket(kind))
    }
  }

  #find(): { token: Token; next: number } {
    const newlines = this.#newlines.at(-1) === true
    for (let i = this.#next; i < this.#tokens.length; i++) {
      const token = this.#tokens[i] as Token
      if (token.kind === 'comment') {
        if (newlines && token.text.endsWith('\n')) {
          return { token: { kind: 'newline', text: '\n', range: token.range }, next: i + 1 }
        }
      } else if (token.kind !== 'newline' || newlines) return { token, next: i + 1 }
    }
    return { token: this.#tokens.at(-1) as Token, next: this.#tokens.length }
  }
}
