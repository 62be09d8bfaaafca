import { end, isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, type YamlCursor } from './cursor.ts'
import { type Mark, scanError, type YamlError } from './mark.ts'
import { type Token, token } from './token.ts'

/** What stands around a scalar. */
export interface ScalarPlace {
  /** Column of the block around it, -1 for none. */
  readonly indent: number
  /** Inside brackets or braces. */
  readonly isFlow: boolean
}

/** Blanks and line breaks between words, as they count: folded into one space or into the breaks after the first. */
class Space {
  #blanks = ''
  #first = ''
  #rest = ''
  hasBreaks = false

  /** Takes blanks and breaks; `check` looks at each blank that begins a line. */
  take(cursor: YamlCursor, check: () => void = () => {}): void {
    for (;;) {
      const char = cursor.at()
      if (isBlank(char)) {
        if (this.hasBreaks) check()
        const taken = cursor.take()
        if (!this.hasBreaks) this.#blanks += taken
      } else if (isBreak(char)) {
        if (this.hasBreaks) this.#rest += cursor.takeLine()
        else {
          this.#blanks = ''
          this.#first = cursor.takeLine()
          this.hasBreaks = true
        }
      } else return
    }
  }

  /** A break behind a backslash, which counts nothing itself. */
  escapedBreak(cursor: YamlCursor): void {
    cursor.takeLine()
    this.hasBreaks = true
  }

  /** What it stands for; it is empty then. */
  text(): string {
    const folded = this.#first === '\n' ? this.#rest || ' ' : this.#first + this.#rest
    const text = this.hasBreaks ? folded : this.#blanks
    this.#blanks = this.#first = this.#rest = ''
    this.hasBreaks = false
    return text
  }

  get isEmpty(): boolean {
    return !this.hasBreaks && this.#blanks === ''
  }
}

const flowIndicators = ',[]{}'

/** A scalar without quotes; `endsWithBreaks` when it ended behind a line break. */
export function scanPlain(
  cursor: YamlCursor,
  { indent, isFlow }: ScalarPlace,
): { readonly token: Token; readonly endsWithBreaks: boolean } {
  const start = cursor.mark
  let last = start
  let value = ''
  const space = new Space()
  const ends = (char: string): boolean =>
    (char === ':' && isBlankOrEnd(cursor.at(1))) ||
    (isFlow && (flowIndicators.includes(char) || (char === '?' && isBlankOrEnd(cursor.at(1)))))
  for (;;) {
    if (cursor.atDocumentIndicator('-') || cursor.atDocumentIndicator('.') || cursor.at() === '#') break
    for (let char = cursor.at(); !isBlankOrEnd(char) && !ends(char); char = cursor.at()) {
      if (!space.isEmpty) value += space.text()
      value += cursor.take()
      last = cursor.mark
    }
    if (!isBlank(cursor.at()) && !isBreak(cursor.at())) break
    space.take(cursor, () => {
      if (cursor.column <= indent && cursor.at() === '\t') {
        const message = 'found a tab character that violates indentation'
        throw scanError(message, cursor.mark, 'while scanning a plain scalar', start)
      }
    })
    if (!isFlow && cursor.column <= indent) break
  }
  return {
    token: token('scalar', start, last, { text: value, plain: true }),
    endsWithBreaks: space.hasBreaks,
  }
}

const context = 'while scanning a quoted scalar'

/** A scalar in quotes of either kind. */
export function scanQuoted(cursor: YamlCursor): Token {
  const start = cursor.mark
  const quote = cursor.take()
  const fail = (message: string): YamlError => scanError(message, cursor.mark, context, start)
  const space = new Space()
  let value = ''
  for (;;) {
    if (cursor.atDocumentIndicator('-') || cursor.atDocumentIndicator('.'))
      throw fail('found unexpected document indicator')
    if (cursor.at() === end) throw fail('found unexpected end of stream')
    for (let char = cursor.at(); !isBlankOrEnd(char); char = cursor.at()) {
      if (char === quote && quote === "'" && cursor.at(1) === "'") {
        value += "'"
        cursor.skip(2)
      } else if (char === quote) break
      else if (char !== '\\' || quote === "'") value += cursor.take()
      else if (isBreak(cursor.at(1))) {
        cursor.skip()
        space.escapedBreak(cursor)
        break
      } else value += escape(cursor, fail)
    }
    if (cursor.at() === quote) break
    space.take(cursor)
    value += space.text()
  }
  cursor.skip()
  return token('scalar', start, cursor.mark, { text: value })
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1B',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\u0085',
  _: '\u00A0',
  L: '\u2028',
  P: '\u2029',
}
const lengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

function escape(cursor: YamlCursor, fail: (message: string) => YamlError): string {
  const letter = cursor.at(1)
  const simple = escapes[letter]
  const length = lengths[letter]
  if (simple === undefined && length === undefined) throw fail('found unknown escape character')
  cursor.skip(2)
  if (length === undefined) return simple ?? ''
  let digits = ''
  for (let i = 0; i < length; i++) {
    const digit = cursor.at(i)
    if (!/[0-9A-Fa-f]/.test(digit)) throw fail('did not find expected hexadecimal number')
    digits += digit
  }
  const point = Number.parseInt(digits, 16)
  if ((point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
    throw fail('found invalid Unicode character escape code')
  cursor.skip(length)
  return String.fromCodePoint(point)
}

/** A scalar behind `|` or `>`; `parent` is the column of the block around it, -1 for none. */
export function scanBlock(cursor: YamlCursor, parent: number): Token {
  const start = cursor.mark
  const fail = (message: string): YamlError =>
    scanError(message, cursor.mark, 'while scanning a block scalar', start)
  const folds = cursor.take() === '>'
  const { chomping, increment } = blockHeader(cursor, fail)
  while (isBlank(cursor.at())) cursor.skip()
  if (cursor.at() === '#') while (!isBreakOrEnd(cursor.at())) cursor.skip()
  if (!isBreakOrEnd(cursor.at())) throw fail('did not find expected comment or line break')
  cursor.takeLine()
  let last: Mark = cursor.mark
  let indent = increment === 0 ? 0 : Math.max(parent, 0) + increment
  const takeBreaks = (): string => {
    const found = blockBreaks(cursor, { indent, parent, fail })
    indent = found.indent
    last = found.last
    return found.breaks
  }
  let value = ''
  let lineBreak = ''
  let breaks = takeBreaks()
  let wasBlank = false
  while (cursor.column === indent && cursor.at() !== end) {
    const startsBlank = isBlank(cursor.at())
    const joins = folds && lineBreak === '\n' && !wasBlank && !startsBlank
    value += (joins ? (breaks === '' ? ' ' : '') : lineBreak) + breaks
    wasBlank = startsBlank
    while (!isBreakOrEnd(cursor.at())) value += cursor.take()
    lineBreak = cursor.takeLine()
    breaks = takeBreaks()
  }
  if (chomping !== '-') value += lineBreak
  if (chomping === '+') value += breaks
  return token('scalar', start, last, { text: value })
}

function blockHeader(
  cursor: YamlCursor,
  fail: (message: string) => YamlError,
): { readonly chomping: string; readonly increment: number } {
  let chomping = ''
  let increment = 0
  const takeChomping = (): void => {
    if (cursor.at() === '+' || cursor.at() === '-') chomping = cursor.take()
  }
  takeChomping()
  if (/[0-9]/.test(cursor.at())) {
    if (cursor.at() === '0') throw fail('found an indentation indicator equal to 0')
    increment = Number(cursor.take())
    if (chomping === '') takeChomping()
  }
  return { chomping, increment }
}

/** Empty lines of a block, and with an `indent` of 0 the indentation that they and the first line show. */
function blockBreaks(
  cursor: YamlCursor,
  {
    indent,
    parent,
    fail,
  }: { readonly indent: number; readonly parent: number; readonly fail: (message: string) => YamlError },
): { readonly breaks: string; readonly indent: number; readonly last: Mark } {
  let breaks = ''
  let widest = 0
  let last = cursor.mark
  const isInside = (): boolean => indent === 0 || cursor.column < indent
  for (;;) {
    while (isInside() && cursor.at() === ' ') cursor.skip()
    widest = Math.max(widest, cursor.column)
    if (isInside() && cursor.at() === '\t')
      throw fail('found a tab character where an indentation space is expected')
    if (!isBreak(cursor.at())) break
    breaks += cursor.takeLine()
    last = cursor.mark
  }
  return { breaks, indent: indent === 0 ? Math.max(widest, parent + 1, 1) : indent, last }
}
