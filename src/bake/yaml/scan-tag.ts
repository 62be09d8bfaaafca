import { isBlank, isBlankOrEnd, isBreakOrEnd, type YamlCursor } from './cursor.ts'
import { type Mark, scanError, type YamlError } from './mark.ts'
import { type Token, token } from './token.ts'

const word = /[0-9A-Za-z_-]/

/** An anchor (`&x`) or an alias (`*x`). */
export function scanAnchor(cursor: YamlCursor, kind: 'anchor' | 'alias'): Token {
  const start = cursor.mark
  cursor.skip()
  let name = ''
  while (/[\x21-\x7E]/.test(cursor.at()) && !':,[]{}'.includes(cursor.at())) name += cursor.take()
  const last = cursor.mark
  if (name === '' || !(isBlankOrEnd(cursor.at()) || '?:,]}%@`'.includes(cursor.at()))) {
    const context = kind === 'anchor' ? 'while scanning an anchor' : 'while scanning an alias'
    throw scanError('did not find expected alphabetic or numeric character', cursor.mark, context, start)
  }
  return token(kind, start, last, { text: name })
}

/** A tag: `!`, `!x`, `!!x`, `!h!x`, `!<uri>`. */
export function scanTag(cursor: YamlCursor): Token {
  const start = cursor.mark
  const tag = new TagReader(cursor, start, 'while parsing a tag')
  const fail = (message: string): YamlError => scanError(message, cursor.mark, 'while scanning a tag', start)
  let handle = ''
  let suffix: string
  if (cursor.at(1) === '<') {
    cursor.skip(2)
    suffix = tag.uri('', true)
    if (cursor.at() !== '>') throw fail("did not find the expected '>'")
    cursor.skip()
  } else {
    handle = tag.handle(false)
    if (handle.length > 1 && handle.endsWith('!')) suffix = tag.uri('', false)
    else {
      suffix = tag.uri(handle, false)
      // A tag that is nothing but `!` is its own suffix.
      handle = suffix === '' ? '' : '!'
      if (suffix === '') suffix = '!'
    }
  }
  if (!isBlankOrEnd(cursor.at())) throw fail('did not find expected whitespace or line break')
  return token('tag', start, cursor.mark, { text: handle, suffix })
}

/** A line that begins with `%`. */
export function scanDirective(cursor: YamlCursor): Token {
  const start = cursor.mark
  const fail = (message: string, context = 'while scanning a directive'): YamlError =>
    scanError(message, cursor.mark, context, start)
  cursor.skip()
  let name = ''
  while (word.test(cursor.at())) name += cursor.take()
  if (name === '') throw fail('could not find expected directive name')
  if (!isBlankOrEnd(cursor.at())) throw fail('found unexpected non-alphabetical character')
  const found =
    name === 'YAML'
      ? version(cursor, start, fail)
      : name === 'TAG'
        ? handleOf(cursor, start, fail)
        : undefined
  if (found === undefined) throw fail('found unknown directive name')
  while (isBlank(cursor.at())) cursor.skip()
  if (cursor.at() === '#') while (!isBreakOrEnd(cursor.at())) cursor.skip()
  if (!isBreakOrEnd(cursor.at())) throw fail('did not find expected comment or line break')
  cursor.takeLine()
  return found
}

type Fail = (message: string, context?: string) => YamlError

function version(cursor: YamlCursor, start: Mark, fail: Fail): Token {
  const context = 'while scanning a %YAML directive'
  while (isBlank(cursor.at())) cursor.skip()
  const number = (): string => {
    let digits = ''
    while (/[0-9]/.test(cursor.at())) {
      if (digits.length === 2) throw fail('found extremely long version number', context)
      digits += cursor.take()
    }
    if (digits === '') throw fail('did not find expected version number', context)
    return String(Number(digits))
  }
  const major = number()
  if (cursor.at() !== '.') throw fail("did not find expected digit or '.' character", context)
  cursor.skip()
  const text = `${major}.${number()}`
  return token('version-directive', start, cursor.mark, { text })
}

function handleOf(cursor: YamlCursor, start: Mark, fail: Fail): Token {
  const context = 'while scanning a %TAG directive'
  const tag = new TagReader(cursor, start, 'while parsing a %TAG directive')
  while (isBlank(cursor.at())) cursor.skip()
  const handle = tag.handle(true)
  if (!isBlank(cursor.at())) throw fail('did not find expected whitespace', context)
  while (isBlank(cursor.at())) cursor.skip()
  const prefix = tag.uri('', true)
  if (!isBlankOrEnd(cursor.at())) throw fail('did not find expected whitespace or line break', context)
  return token('tag-directive', start, cursor.mark, { text: handle, suffix: prefix })
}

/** Reads the parts of tags. */
class TagReader {
  readonly #cursor: YamlCursor
  readonly #start: Mark
  readonly #context: string

  constructor(cursor: YamlCursor, start: Mark, context: string) {
    this.#cursor = cursor
    this.#start = start
    this.#context = context
  }

  #fail(message: string): YamlError {
    return scanError(message, this.#cursor.mark, this.#context, this.#start)
  }

  handle(isDirective: boolean): string {
    const cursor = this.#cursor
    if (cursor.at() !== '!') throw this.#fail("did not find expected '!'")
    let handle = cursor.take()
    while (word.test(cursor.at())) handle += cursor.take()
    if (cursor.at() === '!') handle += cursor.take()
    else if (isDirective && handle !== '!') throw this.#fail("did not find expected '!'")
    return handle
  }

  uri(head: string, verbatim: boolean): string {
    const cursor = this.#cursor
    const bytes: number[] = [...Buffer.from(head.slice(1))]
    let found = head !== ''
    while (
      word.test(cursor.at()) ||
      ";/?:@&=+$.!~*'()%".includes(cursor.at()) ||
      (verbatim && ',[]{}'.includes(cursor.at()))
    ) {
      if (cursor.at() === '%') bytes.push(...this.#escaped())
      else bytes.push(cursor.take().charCodeAt(0))
      found = true
    }
    const next = cursor.at()
    if (!verbatim && !isBlankOrEnd(next) && next >= ' ' && next <= '~')
      throw this.#fail(`found character '${next}' that is not allowed in a YAML tag`)
    if (!found) throw this.#fail('did not find expected tag URI')
    return Buffer.from(bytes).toString('utf8')
  }

  #escaped(): number[] {
    const cursor = this.#cursor
    const octets: number[] = []
    for (let left = 1; left > 0; left--) {
      const digits = cursor.at() === '%' ? cursor.at(1) + cursor.at(2) : ''
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw this.#fail('did not find URI escaped octet')
      const octet = Number.parseInt(digits, 16)
      if (octets.length === 0) {
        left = octet < 0x80 ? 1 : octet >> 5 === 6 ? 2 : octet >> 4 === 14 ? 3 : octet >> 3 === 30 ? 4 : 0
        if (left === 0) throw this.#fail('found an incorrect leading UTF-8 octet')
      } else if ((octet & 0xc0) !== 0x80) throw this.#fail('found an incorrect trailing UTF-8 octet')
      octets.push(octet)
      cursor.skip(3)
    }
    return octets
  }
}
