import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Range } from '../../errors/source-range.ts'
import { lineRanges } from './location.ts'
import { trimEndOf, trimLeft } from './white-space.ts'

/** Names that mean something in a comment at the very top of the file. */
export type DirectiveName = 'syntax' | 'escape' | 'check'

/** A parser directive and its line. */
export interface Directive {
  readonly name: DirectiveName
  readonly value: string
  readonly line: number
}

const known: readonly string[] = ['syntax', 'escape', 'check']
const form = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=([^\n]+)$/

/**
 * Reads directives line by line until the first line that is none; from there on every comment is just a comment.
 * Source: https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export class DirectiveReader {
  readonly #comment: string
  readonly #seen = new Set<string>()
  #line: number
  #done = false

  /** `comment` is what starts a comment; `line` the number of lines before the first one to be read. */
  constructor(comment = '#', line = 0) {
    this.#comment = comment
    this.#line = line
  }

  get done(): boolean {
    return this.#done
  }

  /** The directive on the next line, if it is one. Throws `invalid-argument` for a second one of the same name. */
  read(line: string): Directive | undefined {
    this.#line++
    if (this.#done) return undefined
    const match = line.startsWith(this.#comment)
      ? form.exec(trimLeft(line.slice(this.#comment.length)))
      : null
    const name = match?.[1]?.toLowerCase()
    if (match === null || name === undefined || !known.includes(name)) {
      this.#done = true
      return undefined
    }
    if (this.#seen.has(name)) {
      throw new SlipwayError('invalid-argument', `only one ${name} parser directive can be used`)
    }
    this.#seen.add(name)
    const given = match[2] as string
    const value = given.replace(/^[\t\f\r ]+/, '')
    return {
      name: name as DirectiveName,
      value: trimEndOf(value, '\t\f\r ') || given.slice(-1),
      line: this.#line,
    }
  }
}

/** A directive found ahead of parsing: `value` is its first word, `rest` the whole value. */
export interface FoundDirective {
  readonly value: string
  readonly rest: string
  readonly ranges: readonly Range[]
}

/** The directive `name` of a file, `#` comments only. A broken directive block yields what came before the break. */
export function findDirective(name: DirectiveName, text: string): FoundDirective | undefined {
  const { body, line } = withoutPreamble(text)
  return search(name, body, '#', line)
}

/**
 * The frontend that a file asks for: `# syntax=`, `// syntax=` or a JSON file with a member `syntax`, below a `#!` line
 * if there is one.
 */
export function detectSyntax(text: string): FoundDirective | undefined {
  const { body, line } = withoutPreamble(text)
  return search('syntax', body, '#', line) ?? search('syntax', body, '//', line) ?? jsonSyntax(body, line)
}

function withoutPreamble(text: string): { body: string; line: number } {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text
  if (!plain.startsWith('#!')) return { body: plain, line: 0 }
  const end = plain.indexOf('\n')
  return { body: end < 0 ? '' : plain.slice(end + 1), line: 1 }
}

function search(
  name: DirectiveName,
  body: string,
  comment: string,
  line: number,
): FoundDirective | undefined {
  const reader = new DirectiveReader(comment, line)
  let at = 0
  while (at < body.length && !reader.done) {
    const end = body.indexOf('\n', at)
    const text = (end < 0 ? body.slice(at) : body.slice(at, end)).replace(/\r$/, '')
    at = end < 0 ? body.length : end + 1
    try {
      const found = reader.read(text)
      if (found?.name === name) {
        return {
          value: found.value.split(' ', 1)[0] as string,
          rest: found.value,
          ranges: lineRanges(found.line, found.line),
        }
      }
    } catch {
      return undefined
    }
  }
  return undefined
}

function jsonSyntax(body: string, line: number): FoundDirective | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const syntax = (value as Record<string, unknown>)['syntax']
  return typeof syntax === 'string'
    ? { value: syntax, rest: syntax, ranges: lineRanges(line, line) }
    : undefined
}
