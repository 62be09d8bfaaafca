import { type Range, rangeBetween } from '../position.ts'
import type { NativeExpression } from './expression.ts'
import { flushHeredoc, joinTexts } from './heredoc-indent.ts'
import { literalText } from './string-literal.ts'
import { parseExpression } from './parse-expression.ts'
import { parseDirective } from './parse-directive.ts'
import type { Parser } from './parser.ts'
import { assembleTemplate } from './template-tree.ts'
import type { TemplatePart } from './template-part.ts'
import type { Token, TokenKind } from './token.ts'

/** A parsed template: `wraps` when it is nothing but one interpolation, whose value is then taken as it is. */
export interface ParsedTemplate {
  readonly expressions: readonly NativeExpression[]
  readonly wraps: boolean
  readonly range: Range
}

/** Parses a template up to the token `end`; `flush` takes the common indentation off its lines (`<<-`). */
export function parseTemplateInner(p: Parser, end: TokenKind, flush: boolean): ParsedTemplate {
  const { parts, range } = new PartReader(p, end).read()
  if (flush) flushHeredoc(parts)
  const joined = joinTexts(parts)
  const expressions = assembleTemplate(joined, p.diagnostics)
  return { expressions, wraps: joined.length === 2 && joined[0]?.kind === 'interpolation', range }
}

class PartReader {
  readonly #p: Parser
  readonly #end: TokenKind
  readonly #start: Range
  readonly #parts: TemplatePart[] = []
  #trimNext = false
  #canTrim = false

  constructor(p: Parser, end: TokenKind) {
    this.#p = p
    this.#end = end
    this.#start = p.peek().range
  }

  read(): { parts: TemplatePart[]; range: Range } {
    const p = this.#p
    let endRange: Range
    for (;;) {
      const next = p.read()
      if (next.kind === this.#end) {
        endRange = next.range
        break
      }
      const trimStart = this.#trimNext
      const canTrim = this.#canTrim
      this.#trimNext = false
      this.#canTrim = false
      if (next.kind === 'string-literal' || next.kind === 'quoted-literal') {
        const text = literalText(next, p.diagnostics)
        this.#parts.push({ kind: 'text', text: trimStart ? text.trimStart() : text, range: next.range })
        this.#canTrim = true
      } else if (next.kind === 'template-interp' || next.kind === 'template-control') {
        if (canTrim && next.text.endsWith('~')) this.#trimPrevious()
        p.withNewlines(false, () =>
          next.kind === 'template-interp' ? this.#interpolation(next) : this.#directive(next),
        )
      } else {
        p.complain({
          summary: 'Unterminated template string',
          detail: 'No closing marker was found for the string.',
          subject: next.range,
          context: rangeBetween(this.#start, next.range),
        })
        endRange = p.recover(this.#end).range
        break
      }
    }
    if (this.#parts.length === 0) {
      this.#parts.push({ kind: 'text', text: '', range: { ...this.#start, start: this.#start.end } })
    }
    this.#parts.push({ kind: 'end', range: endRange })
    return { parts: this.#parts, range: rangeBetween(this.#start, endRange) }
  }

  #trimPrevious(): void {
    const last = this.#parts.at(-1)
    if (last?.kind === 'text') last.text = last.text.trimEnd()
  }

  #interpolation(opener: Token): void {
    const p = this.#p
    const expression = parseExpression(p)
    const close = p.peek()
    if (close.kind === 'template-end') this.#readEnd()
    else {
      this.#complainOfEnd(close)
      p.recover('template-end')
    }
    this.#parts.push({ kind: 'interpolation', expression, range: rangeBetween(opener.range, close.range) })
  }

  #directive(opener: Token): void {
    const p = this.#p
    const word = p.peek()
    const part = parseDirective(p, opener)
    if (part === undefined) {
      p.recover('template-end')
      return
    }
    this.#parts.push(part)
    const close = p.peek()
    if (close.kind === 'template-end') return this.#readEnd()
    p.complain({
      summary: `Extra characters in ${word.text} marker`,
      detail: 'Expected a closing brace to end the sequence, but found extra characters.',
      subject: close.range,
      context: rangeBetween(this.#start, close.range),
    })
    p.recover('template-end')
  }

  #readEnd(): void {
    if (this.#p.read().text.startsWith('~')) this.#trimNext = true
  }

  #complainOfEnd(close: Token): void {
    const inQuotes =
      (close.kind === 'close-quote' || close.kind === 'open-quote') && this.#end === 'close-quote'
    if (close.kind === 'eof' || inQuotes) {
      const place = inQuotes ? 'quoted template' : 'file'
      return this.#p.complain({
        summary: 'Unclosed template interpolation sequence',
        detail: `There is no closing brace for this interpolation sequence before the end of the ${place}. This might be caused by incorrect nesting inside the given expression.`,
        subject: this.#start,
      })
    }
    const escape = 'escape it by starting with "$${" instead of just "${".'
    this.#p.complain({
      summary: 'Extra characters after interpolation expression',
      detail:
        close.kind === ':'
          ? `Template interpolation doesn't expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can ${escape}`
          : `Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, ${escape}`,
      subject: close.range,
      context: rangeBetween(this.#start, close.range),
    })
  }
}
