import { rangeBetween } from '../position.ts'
import { dynamicValue } from '../value/value.ts'
import type { NativeExpression } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import type { Parser } from './parser.ts'
import type { Token, TokenKind } from './token.ts'

/** Parses the rest of `[for …]` or `{for …}` after its bracket; the word `for` comes next. */
export function parseFor(p: Parser, open: Token): NativeExpression {
  return p.withNewlines(false, () => new ForParser(p, open).parse())
}

class ForParser {
  readonly #p: Parser
  readonly #open: Token
  readonly #closer: TokenKind

  constructor(p: Parser, open: Token) {
    this.#p = p
    this.#open = open
    this.#closer = open.kind === '{' ? '}' : ']'
  }

  parse(): NativeExpression {
    const p = this.#p
    p.read()
    if (p.peek().kind !== 'identifier')
      return this.#giveUp("For expression requires variable name after 'for'.")
    let valueName = p.read().text
    let keyName: string | undefined
    if (p.peek().kind === ',') {
      keyName = valueName
      p.read()
      if (p.peek().kind !== 'identifier')
        return this.#giveUp('For expression requires value variable name after comma.')
      valueName = p.read().text
    }
    if (!p.atWord('in'))
      return this.#giveUp("For expression requires the 'in' keyword after its name declarations.")
    p.read()
    const atCollection = p.diagnostics.length
    const collection = parseExpression(p)
    if (p.lost(atCollection)) return this.#skip()
    if (p.peek().kind !== ':')
      return this.#giveUp('For expression requires a colon after the collection expression.')
    p.read()
    return this.#body(keyName, valueName, collection)
  }

  #body(keyName: string | undefined, valueName: string, collection: NativeExpression): NativeExpression {
    const p = this.#p
    const before = p.diagnostics.length
    let value = parseExpression(p)
    let key: NativeExpression | undefined
    if (p.peek().kind === '=>') {
      p.read()
      key = value
      value = parseExpression(p)
    }
    if (p.lost(before)) return this.#skip()
    const ellipsis = p.peek().kind === '...' ? p.read() : undefined
    let condition: NativeExpression | undefined
    if (p.atWord('if')) {
      p.read()
      const atCondition = p.diagnostics.length
      condition = parseExpression(p)
      if (p.lost(atCondition)) return this.#skip()
    }
    const close = this.#close()
    const range = rangeBetween(this.#open.range, close.range)
    const group = ellipsis !== undefined
    if (this.#closer === ']') {
      if (key !== undefined)
        this.#wrong('Key expression is not valid when building a tuple.', key.range, range)
      if (group)
        this.#wrong('Grouping ellipsis (...) cannot be used when building a tuple.', ellipsis.range, range)
    } else if (key === undefined)
      this.#wrong('Key expression is required when building an object.', value.range, range)
    return {
      kind: 'for',
      keyName,
      valueName,
      collection,
      key,
      value,
      condition,
      group,
      range,
      open: this.#open.range,
    }
  }

  #close(): Token {
    const p = this.#p
    if (p.peek().kind === this.#closer) return p.read()
    this.#complain("Extra characters after the end of the 'for' expression.")
    return p.recover(this.#closer)
  }

  #wrong(detail: string, subject: Token['range'], context: Token['range']): void {
    this.#p.report({ summary: "Invalid 'for' expression", detail, subject, context })
  }

  #complain(detail: string): void {
    const { range } = this.#p.peek()
    if (!this.#p.recovery) this.#wrong(detail, range, rangeBetween(this.#open.range, range))
  }

  #giveUp(detail: string): NativeExpression {
    this.#complain(detail)
    return this.#skip()
  }

  #skip(): NativeExpression {
    const close = this.#p.recover(this.#closer)
    return { kind: 'literal', value: dynamicValue, range: rangeBetween(this.#open.range, close.range) }
  }
}
