import { rangeBetween } from '../position.ts'
import { parseFloatText } from '../value/big-float.ts'
import { numberType } from '../value/type.ts'
import {
  dynamicValue,
  falseValue,
  nullDynamic,
  numberValue,
  trueValue,
  unknownValue,
  type Value,
} from '../value/value.ts'
import type { NativeExpression } from './expression.ts'
import { parseCall } from './parse-call.ts'
import { parseObject, parseTuple } from './parse-constructor.ts'
import { parseExpression, parseOperand } from './parse-expression.ts'
import { parseTemplateInner } from './parse-template.ts'
import { maxDepth, oppositeBracket, type Parser } from './parser.ts'
import type { Token, TokenKind } from './token.ts'

const words: Readonly<Record<string, Value>> = { true: trueValue, false: falseValue, null: nullDynamic }

/** A literal, variable, call, template, constructor, parenthesised or negated expression. */
export function parseTerm(p: Parser): NativeExpression {
  const start = p.peek()
  switch (start.kind) {
    case '(':
      return parseParentheses(p)
    case 'number':
      p.read()
      return { kind: 'literal', value: numberLiteral(p, start), range: start.range }
    case 'identifier':
      return parseWord(p)
    case 'open-quote':
    case 'open-heredoc':
      return parseQuoted(p)
    case '-':
    case '!':
      return parseUnary(p, start)
    case '[':
      return parseTuple(p)
    case '{':
      return parseObject(p)
    default: {
      const eof = start.kind === 'eof'
      p.complain({
        summary: eof ? 'Missing expression' : 'Invalid expression',
        detail: `Expected the start of an expression, but found ${eof ? 'the end of the file' : 'an invalid expression token'}.`,
        subject: start.range,
      })
      p.recovery = true
      return { kind: 'literal', value: dynamicValue, range: start.range }
    }
  }
}

/** The value of a number token; one that cannot be read is reported and unknown. */
export function numberLiteral(p: Parser, token: Token): Value {
  const number = parseFloatText(token.text)
  if (number !== undefined) return numberValue(number)
  const detail = 'Failed to recognize the value of this number literal.'
  p.report({ summary: 'Invalid number literal', detail, subject: token.range })
  return unknownValue(numberType)
}

function parseParentheses(p: Parser): NativeExpression {
  const open = p.read()
  return p.withNewlines(false, () => {
    const before = p.diagnostics.length
    const inner = parseExpression(p)
    if (p.diagnostics.length > before) {
      p.recover(')')
      return inner
    }
    const close = p.peek()
    if (close.kind !== ')') {
      p.report({
        summary: 'Unbalanced parentheses',
        detail: 'Expected a closing parenthesis to terminate the expression.',
        subject: close.range,
        context: rangeBetween(open.range, close.range),
      })
      p.recovery = true
    }
    return { kind: 'parentheses', inner, range: rangeBetween(open.range, p.read().range) }
  })
}

function parseWord(p: Parser): NativeExpression {
  const word = p.read()
  const next = p.peek().kind
  if (next === '(' || next === '::') return parseCall(p, word)
  const value = Object.hasOwn(words, word.text) ? words[word.text] : undefined
  if (value !== undefined) return { kind: 'literal', value, range: word.range }
  return {
    kind: 'variable',
    traversal: [{ kind: 'root', name: word.text, range: word.range }],
    range: word.range,
  }
}

function parseQuoted(p: Parser): NativeExpression {
  const open = p.read()
  const end = oppositeBracket(open.kind) as TokenKind
  const { expressions, wraps } = parseTemplateInner(p, end, open.text.startsWith('<<-'))
  const range = rangeBetween(open.range, p.previousRange())
  const [first] = expressions
  if (wraps && first !== undefined) return { kind: 'template-wrap', wrapped: first, range }
  return { kind: 'template', parts: expressions, range }
}

function parseUnary(p: Parser, symbol: Token): NativeExpression {
  p.read()
  if (p.depth >= maxDepth) return parseExpression(p)
  p.depth++
  const operand = parseOperand(p)
  p.depth--
  const operator = symbol.kind as '-' | '!'
  return {
    kind: 'unary',
    operator,
    operand,
    range: rangeBetween(symbol.range, operand.range),
    symbol: symbol.range,
  }
}
