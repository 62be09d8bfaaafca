import type { Diagnostics } from '../diagnostic.ts'
import { fileStart, type Pos, type Range, rangeBetween } from '../position.ts'
import { closestName } from '../suggest.ts'
import { maxDepth } from '../syntax/parser.ts'
import { parseFloatText } from '../value/big-float.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import type { JsonExprNode, JsonMember } from './node.ts'
import { type JsonToken, scanJson } from './scan-json.ts'

/** Parses a file of HCL's JSON syntax (https://github.com/hashicorp/hcl/blob/v2.24.0/json/spec.md): an object, or an array of objects. */
export function parseJsonFile(text: string, filename: string, diagnostics: Diagnostics): JsonExprNode {
  const node = parseJsonText(text, filename, fileStart, diagnostics)
  if (node.kind === 'object' || node.kind === 'array') return node
  diagnostics.push({
    summary: 'Root value must be object',
    detail:
      'The root value in a JSON-based configuration must be either a JSON object or a JSON array of objects.',
    subject: node.range,
  })
  const range: Range = { filename, start: fileStart, end: fileStart }
  return { kind: 'object', members: [], range, open: range, close: range }
}

/** Parses one JSON value that begins at `start`; what cannot be read is reported and `invalid`. */
export function parseJsonText(
  text: string,
  filename: string,
  start: Pos,
  diagnostics: Diagnostics,
): JsonExprNode {
  return new JsonParser(scanJson(text.replace(/^\ufeff/, ''), filename, start), diagnostics).parse()
}

class JsonParser {
  readonly #tokens: readonly JsonToken[]
  readonly #diagnostics: Diagnostics
  #at = 0
  #depth = 0

  constructor(tokens: readonly JsonToken[], diagnostics: Diagnostics) {
    this.#tokens = tokens
    this.#diagnostics = diagnostics
  }

  parse(): JsonExprNode {
    const before = this.#diagnostics.length
    const node = this.#value()
    if (this.#diagnostics.length === before && this.#peek().kind !== 'eof') {
      this.#report(
        'Extraneous data after value',
        'Extra characters appear after the JSON value.',
        this.#peek().range,
      )
    }
    return node
  }

  #peek(): JsonToken {
    return this.#tokens[this.#at] as JsonToken
  }

  #read(): JsonToken {
    const token = this.#peek()
    if (token.kind !== 'eof') this.#at++
    return token
  }

  #report(summary: string, detail: string, subject: Range): undefined {
    this.#diagnostics.push({ summary, detail, subject })
    return undefined
  }

  #value(): JsonExprNode {
    const token = this.#peek()
    return this.#tryValue(token) ?? { kind: 'invalid', range: token.range }
  }

  #tryValue(token: JsonToken): JsonExprNode | undefined {
    const starts = 'A JSON value must start with a brace, a bracket, a number, a string, or a keyword.'
    switch (token.kind) {
      case '{':
      case '[': {
        if (this.#depth >= maxDepth) {
          this.#at = this.#tokens.length - 1
          return this.#report(
            'Value nested too deeply',
            `Values may be nested at most ${maxDepth} levels deep.`,
            token.range,
          )
        }
        this.#depth++
        const node = token.kind === '{' ? this.#object() : this.#array()
        this.#depth--
        return node
      }
      case 'number':
        return this.#number(this.#read())
      case 'string':
        return this.#string(this.#read())
      case 'word':
        return this.#word(this.#read())
      case '}':
        return this.#report('Missing JSON value', starts, token.range)
      case ']':
        return this.#report('Missing array element value', starts, token.range)
      case 'eof':
        return this.#report('Missing value', 'The JSON data ends prematurely.', token.range)
      default:
        return this.#report('Invalid start of value', starts, token.range)
    }
  }

  /** Skips from `token` on to the closing bracket that seems to end the current value. */
  #recover(token: JsonToken, open: JsonToken['kind'], close: JsonToken['kind']): void {
    let depth = 1
    for (let t = token; t.kind !== 'eof'; t = this.#read()) {
      if (t.kind === open) depth++
      else if (t.kind === close && --depth <= 1) return
    }
  }

  #object(): JsonExprNode | undefined {
    const open = this.#read()
    const members: JsonMember[] = []
    while (this.#peek().kind !== '}') {
      const key = this.#value()
      if (key.kind !== 'string') {
        const subject = key.kind === 'object' || key.kind === 'array' ? key.open : key.range
        return this.#report(
          'Invalid object property name',
          'A JSON object property name must be a string',
          subject,
        )
      }
      const colon = this.#read()
      if (colon.kind !== ':') return this.#missingColon(colon)
      members.push({ name: key.value, value: this.#value(), nameRange: key.range })
      const next = this.#peek()
      if (next.kind === ',') {
        const comma = this.#read()
        if (this.#peek().kind !== '}') continue
        return this.#report(
          'Trailing comma in object',
          'JSON does not permit a trailing comma after the final property in an object.',
          comma.range,
        )
      }
      if (next.kind === '}') break
      if (next.kind === 'eof')
        return this.#report('Unclosed object', 'No closing brace was found for this JSON object.', open.range)
      this.#read()
      if (next.kind === ']') {
        return this.#report(
          'Mismatched braces',
          'A JSON object must be closed with a brace, not a bracket.',
          this.#peek().range,
        )
      }
      this.#recover(next, '{', '}')
      return this.#report(
        'Missing attribute seperator comma',
        'A comma must appear between each property definition in an object.',
        this.#peek().range,
      )
    }
    const close = this.#read()
    return {
      kind: 'object',
      members,
      range: rangeBetween(open.range, close.range),
      open: open.range,
      close: close.range,
    }
  }

  #missingColon(found: JsonToken): undefined {
    this.#recover(found, '{', '}')
    if (found.kind === '}' || found.kind === ',') {
      return this.#report(
        'Missing object value',
        'A JSON object attribute must have a value, introduced by a colon.',
        found.range,
      )
    }
    const detail =
      found.kind === '='
        ? 'JSON uses a colon as its name/value delimiter, not an equals sign.'
        : "A colon must appear between an object property's name and its value."
    return this.#report('Missing property value colon', detail, found.range)
  }

  #array(): JsonExprNode | undefined {
    const open = this.#read()
    const items: JsonExprNode[] = []
    while (this.#peek().kind !== ']') {
      items.push(this.#value())
      const next = this.#peek()
      if (next.kind === ',') {
        const comma = this.#read()
        if (this.#peek().kind !== ']') continue
        return this.#report(
          'Trailing comma in array',
          'JSON does not permit a trailing comma after the final value in an array.',
          comma.range,
        )
      }
      if (next.kind === ']') break
      this.#recover(this.#read(), '[', ']')
      const here = this.#peek().range
      if (next.kind === ':')
        return this.#report(
          'Invalid array value',
          'A colon is not used to introduce values in a JSON array.',
          here,
        )
      if (next.kind === 'eof')
        return this.#report(
          'Unclosed object',
          'No closing bracket was found for this JSON array.',
          open.range,
        )
      if (next.kind === '}')
        return this.#report(
          'Mismatched brackets',
          'A JSON array must be closed with a bracket, not a brace.',
          here,
        )
      return this.#report(
        'Missing attribute seperator comma',
        'A comma must appear between each value in an array.',
        here,
      )
    }
    const close = this.#read()
    return { kind: 'array', items, range: rangeBetween(open.range, close.range), open: open.range }
  }

  #number({ text, range }: JsonToken): JsonExprNode | undefined {
    const value = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text)
      ? parseFloatText(text)
      : undefined
    if (value === undefined)
      return this.#report('Invalid JSON number', 'There is a syntax error in the given JSON number.', range)
    return { kind: 'number', value, range }
  }

  #string({ text, range }: JsonToken): JsonExprNode | undefined {
    try {
      return { kind: 'string', value: (JSON.parse(text) as string).toWellFormed(), range }
    } catch {
      const start = stringError(text, range)
      const end = { ...start, byte: start.byte + 1, column: start.column + 1 }
      const subject = { filename: range.filename, start, end }
      this.#diagnostics.push({
        summary: 'Invalid JSON string',
        detail: 'There is a syntax error in the given JSON string.',
        subject,
        context: range,
      })
      return undefined
    }
  }

  #word({ text, range }: JsonToken): JsonExprNode | undefined {
    if (text === 'true' || text === 'false') return { kind: 'bool', value: text === 'true', range }
    if (text === 'null') return { kind: 'null', range }
    if (['undefined', 'NaN', 'Infinity'].includes(text)) {
      return this.#report(
        'Invalid JSON keyword',
        `The JavaScript identifier ${goQuote(text)} cannot be used in JSON.`,
        range,
      )
    }
    const near = closestName(text, ['true', 'false', 'null'])
    const hint = near === undefined ? '' : ` Did you mean ${goQuote(near)}?`
    return this.#report('Invalid JSON keyword', `${goQuote(text)} is not a valid JSON keyword.${hint}`, range)
  }
}

/** Where in a string token a JSON decoder stops: behind a bad escape, or at the end. */
function stringError(text: string, range: Range): Pos {
  const good = /^"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\])*/.exec(text)?.[0].length ?? 1
  const escape = /^\\(?:u[0-9a-fA-F]{0,3})?/.exec(text.slice(good))?.[0].length ?? 0
  const offset = Math.min(good + escape + (escape > 0 ? 1 : 0), text.length)
  return { byte: range.start.byte + offset, line: range.start.line, column: range.start.column + offset }
}
