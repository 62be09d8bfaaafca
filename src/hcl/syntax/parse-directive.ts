import { rangeBetween } from '../position.ts'
import { suggestName } from '../suggest.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { parseExpression } from './parse-expression.ts'
import type { Parser } from './parser.ts'
import type { TemplatePart } from './template-part.ts'
import type { Token } from './token.ts'

/** Parses the inside of `%{ … }` up to its end; `undefined` after a report when it makes no sense. */
export function parseDirective(p: Parser, opener: Token): TemplatePart | undefined {
  const word = p.peek()
  if (word.kind !== 'identifier') {
    p.complain({
      summary: 'Invalid template directive',
      detail:
        'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{ sequence.',
      subject: word.range,
      context: rangeBetween(opener.range, word.range),
    })
    return undefined
  }
  p.read()
  switch (word.text) {
    case 'if': {
      const condition = parseExpression(p)
      return { kind: 'if', condition, range: rangeBetween(opener.range, p.peek().range) }
    }
    case 'else':
    case 'endif':
    case 'endfor':
      return { kind: word.text, range: rangeBetween(opener.range, p.peek().range) }
    case 'for':
      return parseForDirective(p, opener)
    default: {
      const suggestion = suggestName(word.text, ['if', 'for', 'else', 'endif', 'endfor'])
      p.complain({
        summary: 'Invalid template control keyword',
        detail: `${goQuote(word.text)} is not a valid template control keyword.${suggestion}`,
        subject: word.range,
        context: rangeBetween(opener.range, word.range),
      })
      return undefined
    }
  }
}

function parseForDirective(p: Parser, opener: Token): TemplatePart | undefined {
  const fail = (detail: string): undefined => {
    p.complain({ summary: "Invalid 'for' directive", detail, subject: p.peek().range })
    return undefined
  }
  if (p.peek().kind !== 'identifier') return fail("For directive requires variable name after 'for'.")
  let valueName = p.read().text
  let keyName: string | undefined
  if (p.peek().kind === ',') {
    keyName = valueName
    p.read()
    if (p.peek().kind !== 'identifier') return fail('For directive requires value variable name after comma.')
    valueName = p.read().text
  }
  if (!p.atWord('in')) return fail("For directive requires 'in' keyword after names.")
  p.read()
  const collection = parseExpression(p)
  return { kind: 'for', keyName, valueName, collection, range: rangeBetween(opener.range, p.peek().range) }
}
