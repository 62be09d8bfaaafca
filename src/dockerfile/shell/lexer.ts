import { asSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { maxExpansion, tooLong } from './pattern.ts'
import { Scanner } from './scanner.ts'
import { type Substitution, substitute } from './substitution.ts'
import type { Variables } from './variables.ts'
import { WordList } from './word-list.ts'

/** How a lexer treats quotes, escapes and unknown names. */
export interface LexerOptions {
  /** The file's escape character; default `\`. */
  readonly escape?: string
  /** Keep quotes in the result. */
  readonly rawQuotes?: boolean
  /** Keep escape characters in the result. */
  readonly rawEscapes?: boolean
  /** Quotes are ordinary characters (text of here-documents). */
  readonly plainQuotes?: boolean
  /** Leave `$name` as it is where `name` is not set. */
  readonly skipUnset?: boolean
}

/** What became of a text, and which names it used. After a failure, `error` is set and the texts are empty. */
export interface LexResult {
  readonly result: string
  readonly words: readonly string[]
  /** Names that had a value. */
  readonly matched: ReadonlySet<string>
  /** Names that had none. */
  readonly unmatched: ReadonlySet<string>
  readonly error?: SlipwayError
}

/** Deeper nesting of `${a:-${b:-…}}` is refused, so that hostile input cannot exhaust the stack. */
const maxDepth = 500

/**
 * Expands variables and resolves quotes and escapes, much like a POSIX shell, as Dockerfile instructions need it.
 * Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export class Lexer {
  readonly #options: LexerOptions

  constructor(options: LexerOptions = {}) {
    this.#options = options
  }

  /** Another lexer with some options changed. */
  with(options: LexerOptions): Lexer {
    return new Lexer({ ...this.#options, ...options })
  }

  /** The text as one word. Throws `invalid-argument`. */
  word(text: string, variables: Variables): string {
    const result = this.process(text, variables)
    if (result.error !== undefined) throw result.error
    return result.result
  }

  /** The text split at white space, after expansion. Throws `invalid-argument`. */
  words(text: string, variables: Variables): readonly string[] {
    const result = this.process(text, variables)
    if (result.error !== undefined) throw result.error
    return result.words
  }

  /** Both, with the names that were used; failures are returned. */
  process(text: string, variables: Variables): LexResult {
    const run = new Run(text, variables, this.#options)
    try {
      const { result, words } = run.until('', this.#options.rawEscapes ?? false)
      return { result, words, matched: run.matched, unmatched: run.unmatched }
    } catch (e) {
      const error = wrapError(`failed to process ${quote(text)}`, asSlipwayError(e))
      return { result: '', words: [], matched: run.matched, unmatched: run.unmatched, error }
    }
  }
}

/** One text on its way through the lexer. */
class Run {
  readonly matched = new Set<string>()
  readonly unmatched = new Set<string>()
  readonly #scanner: Scanner
  readonly #variables: Variables
  readonly #options: LexerOptions
  readonly #escape: string
  #rawEscapes = false
  #depth = 0

  constructor(text: string, variables: Variables, options: LexerOptions) {
    this.#scanner = new Scanner(text)
    this.#variables = variables
    this.#options = options
    this.#escape = options.escape ?? '\\'
  }

  /** Reads up to `stop` (which is consumed), or to the end where `stop` is empty. */
  until(stop: string, rawEscapes: boolean): { result: string; words: string[] } {
    if (++this.#depth > maxDepth) throw bad('too many nested substitutions')
    const outer = this.#rawEscapes
    this.#rawEscapes = rawEscapes
    const words = new WordList()
    let result = ''
    while (!this.#scanner.atEnd) {
      if (stop !== '' && this.#scanner.skip(stop)) {
        this.#rawEscapes = outer
        this.#depth--
        return { result, words: words.take() }
      }
      const piece = this.#piece()
      if (result.length + piece.text.length > maxExpansion) throw tooLong()
      result += piece.text
      if (piece.raw) words.addRaw(piece.text)
      else words.add(piece.text)
    }
    if (stop !== '') throw bad(`unexpected end of statement while looking for matching ${stop}`)
    return { result, words: words.take() }
  }

  #piece(): { text: string; raw: boolean } {
    const char = this.#scanner.peek()
    if (char === '$') return { text: this.#dollar(), raw: false }
    if (char === '<') return { text: this.#lessThan(), raw: true }
    if (!this.#options.plainQuotes && char === "'") return { text: this.#singleQuoted(), raw: true }
    if (!this.#options.plainQuotes && char === '"') return { text: this.#doubleQuoted(), raw: true }
    this.#scanner.next()
    if (char !== this.#escape) return { text: char, raw: false }
    return { text: (this.#rawEscapes ? char : '') + this.#scanner.next(), raw: true }
  }

  #singleQuoted(): string {
    this.#scanner.next()
    const text = this.#scanner.takeWhile(char => char !== "'")
    if (!this.#scanner.skip("'")) {
      throw bad('unexpected end of statement while looking for matching single-quote')
    }
    return this.#options.rawQuotes ? `'${text}'` : text
  }

  #doubleQuoted(): string {
    this.#scanner.next()
    let text = ''
    while (!this.#scanner.skip('"')) {
      if (this.#scanner.atEnd) {
        throw bad('unexpected end of statement while looking for matching double-quote')
      }
      if (text.length > maxExpansion) throw tooLong()
      if (this.#scanner.peek() === '$') text += this.#dollar()
      else text += this.#doubleQuotedChar()
    }
    return this.#options.rawQuotes ? `"${text}"` : text
  }

  /** Inside double quotes only `"`, `$` and the escape character itself can be escaped. */
  #doubleQuotedChar(): string {
    const char = this.#scanner.next()
    if (char !== this.#escape) return char
    const kept = this.#rawEscapes ? char : ''
    const next = this.#scanner.peek()
    if (next === '') return kept
    return kept + (next === '"' || next === '$' || next === this.#escape ? this.#scanner.next() : char)
  }

  /** `<<` of a here-document keeps the blanks that follow it, so that the word stays whole. */
  #lessThan(): string {
    this.#scanner.next()
    if (!this.#scanner.skip('<')) return '<'
    return `<<${this.#scanner.takeWhile(char => char === '\t' || char === '\r' || char === ' ')}`
  }

  #dollar(): string {
    this.#scanner.next()
    if (this.#scanner.peek() !== '{') {
      const name = this.#name()
      if (name === '') return '$'
      return this.#value(name) ?? (this.#options.skipUnset ? `$${name}` : '')
    }
    this.#scanner.next()
    const scope: Substitution = {
      scanner: this.#scanner,
      skipUnset: this.#options.skipUnset ?? false,
      name: () => this.#name(),
      value: name => this.#value(name),
      until: (stop, rawEscapes) => this.until(stop, rawEscapes).result,
    }
    return substitute(scope)
  }

  #name(): string {
    const first = this.#scanner.peek()
    if (/^\p{Nd}$/u.test(first)) return this.#scanner.takeWhile(char => /^\p{Nd}$/u.test(char))
    if ('@*#?-$!'.includes(first)) return this.#scanner.next()
    return this.#scanner.takeWhile(char => /^[\p{L}\p{Nd}_]$/u.test(char))
  }

  #value(name: string): string | undefined {
    const value = this.#variables.get(name)
    const names = value === undefined ? this.unmatched : this.matched
    names.add(name)
    return value
  }
}

function bad(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
