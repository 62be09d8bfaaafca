import { type Mark, YamlError } from './mark.ts'

/** Bytes that are read, and looked through, at a time. */
const chunk = 512

/** The end of the text, as a character. */
export const end = '\0'

/** A text that is read from the front, with the place that has been reached. */
export class YamlCursor {
  readonly #text: string
  /** From here on nothing can be looked at: a character that YAML does not have comes soon. */
  readonly #limit: number
  readonly #badByte: number
  #index = 0
  #line = 0
  #column = 0
  /** Line breaks since the last character that is no blank. */
  newlines = 0

  constructor(text: string) {
    this.#text = text.startsWith('\uFEFF') ? text.slice(1) : text
    const bad = this.#text.search(/[^\t\n\r\x20-\uFFFD]/)
    this.#badByte = bad < 0 ? -1 : Buffer.byteLength(this.#text.slice(0, bad))
    const begin = this.#badByte - (this.#badByte % chunk)
    this.#limit = bad < 0 ? Number.POSITIVE_INFINITY : charsOf(this.#text, begin)
  }

  get mark(): Mark {
    return { index: this.#index, line: this.#line, column: this.#column }
  }

  get column(): number {
    return this.#column
  }

  get line(): number {
    return this.#line
  }

  /** The character `ahead` of the one that is next. */
  at(ahead = 0): string {
    const i = this.#index + ahead
    if (i >= this.#limit) throw new YamlError(`offset ${this.#badByte}: control characters are not allowed`)
    return this.#text[i] ?? end
  }

  /** Takes one character that is no line break. */
  take(): string {
    const first = this.at()
    if (!isBlank(first)) this.newlines = 0
    const taken = first >= '\uD800' && first <= '\uDBFF' ? first + this.at(1) : first
    this.#index += taken.length
    this.#column++
    return taken
  }

  skip(count = 1): void {
    for (let i = 0; i < count; i++) this.take()
  }

  /** Takes a line break, if there is one; `\r\n` and `\r` become `\n`. */
  takeLine(): string {
    const first = this.at()
    if (!isBreak(first)) return ''
    this.#index += first === '\r' && this.at(1) === '\n' ? 2 : 1
    this.#column = 0
    this.#line++
    this.newlines++
    return first === '\u2028' || first === '\u2029' ? first : '\n'
  }

  /** At the end of the text: what stands in a last line without a break ends there. */
  endLine(): void {
    if (this.#column === 0) return
    this.#column = 0
    this.#line++
  }

  /** Whether `---` or `...` stands here, at the beginning of a line. */
  atDocumentIndicator(char: '-' | '.'): boolean {
    return (
      this.#column === 0 &&
      this.at() === char &&
      this.at(1) === char &&
      this.at(2) === char &&
      isBlankOrEnd(this.at(3))
    )
  }
}

function charsOf(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString('utf8').length
}

/** A space or a tab. */
export function isBlank(char: string): boolean {
  return char === ' ' || char === '\t'
}

/** A line break. */
export function isBreak(char: string): boolean {
  return char === '\n' || char === '\r' || char === '\u0085' || char === '\u2028' || char === '\u2029'
}

/** A line break or the end of the text. */
export function isBreakOrEnd(char: string): boolean {
  return char === end || isBreak(char)
}

/** What separates words: a blank, a line break, the end of the text. */
export function isBlankOrEnd(char: string): boolean {
  return isBlank(char) || isBreakOrEnd(char)
}
