import { rangeBetween } from '../position.ts'
import type { BinaryOperator, NativeExpression } from './expression.ts'
import { parseTerm } from './parse-term.ts'
import { parseTraversals } from './parse-traversal.ts'
import { maxDepth, type Parser } from './parser.ts'

const precedence: Partial<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '>': 4,
  '>=': 4,
  '<': 4,
  '<=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}

/** Parses one expression, a conditional at the outside; problems are reported to the parser, never thrown. */
export function parseExpression(p: Parser): NativeExpression {
  if (p.depth >= maxDepth) return tooDeep(p)
  p.depth++
  try {
    return parseConditional(p)
  } finally {
    p.depth--
  }
}

/** Reports that an expression has more levels than `maxDepth`, once, and stands in for it. */
export function tooDeep(p: Parser): NativeExpression {
  const { range } = p.peek()
  const summary = 'Expression nested too deeply'
  p.complain({
    summary,
    detail: `Expressions may be nested at most ${maxDepth} levels deep.`,
    subject: range,
  })
  p.recovery = true
  return { kind: 'syntax-error', diagnostics: [], range }
}

function parseConditional(p: Parser): NativeExpression {
  const start = p.peek().range
  const before = p.diagnostics.length
  const condition = parseBinary(p, 1)
  if (p.lost(before) || p.peek().kind !== '?') return condition
  p.read()
  const atYes = p.diagnostics.length
  const yes = parseExpression(p)
  if (p.lost(atYes)) return condition
  const colon = p.peek()
  if (colon.kind !== ':') {
    p.report({
      summary: 'Missing false expression in conditional',
      detail: 'The conditional operator (...?...:...) requires a false expression, delimited by a colon.',
      subject: colon.range,
      context: rangeBetween(start, colon.range),
    })
    return condition
  }
  p.read()
  const atNo = p.diagnostics.length
  const no = parseExpression(p)
  if (p.lost(atNo)) return condition
  return { kind: 'conditional', condition, yes, no, range: rangeBetween(start, no.range) }
}

function parseBinary(p: Parser, level: number): NativeExpression {
  const before = p.diagnostics.length
  let left = parseOperand(p)
  if (p.lost(before)) return left
  for (;;) {
    const operator = p.peek().kind
    const binding = precedence[operator]
    if (binding === undefined || binding < level) return left
    p.read()
    const atRight = p.diagnostics.length
    const right = parseBinary(p, binding + 1)
    if (p.lost(atRight)) return left
    const range = rangeBetween(left.range, right.range)
    left = { kind: 'binary', operator: operator as BinaryOperator, left, right, range }
  }
}

/** A term with the attribute, index and splat steps behind it. */
export function parseOperand(p: Parser): NativeExpression {
  return parseTraversals(p, parseTerm(p))
}
