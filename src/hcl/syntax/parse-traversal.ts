import { type Range, rangeBetween } from '../position.ts'
import { dynamicValue, type Value } from '../value/value.ts'
import type { NativeExpression, Traversal, TraversalStep } from './expression.ts'
import { parseExpression, tooDeep } from './parse-expression.ts'
import { numberLiteral } from './parse-term.ts'
import { maxDepth, type Parser } from './parser.ts'
import type { Token } from './token.ts'

/** Parses the `.name`, `[key]`, `.*` and `[*]` steps that follow an expression. */
export function parseTraversals(p: Parser, from: NativeExpression): NativeExpression {
  let result = from
  let links = 0
  for (;;) {
    const { kind } = p.peek()
    if (kind === '.') result = parseDot(p, result, from)
    else if (kind === '[') result = parseBracket(p, result, from)
    else return result
    if (result.kind === 'index' && ++links > maxDepth) return tooDeep(p)
  }
}

/** The expression with one more step: appended to a traversal, or a new one around anything else. */
function extend(e: NativeExpression, step: TraversalStep): NativeExpression {
  const range = rangeBetween(e.range, step.range)
  // The list is shared with the shorter expression, which nobody keeps: copying it would make long chains quadratic.
  if (e.kind === 'variable') {
    ;(e.traversal as TraversalStep[]).push(step)
    return { ...e, range }
  }
  if (e.kind === 'traversal') {
    ;(e.steps as TraversalStep[]).push(step)
    return { ...e, range }
  }
  return { kind: 'traversal', source: e, steps: [step], range }
}

function parseDot(p: Parser, result: NativeExpression, from: NativeExpression): NativeExpression {
  const dot = p.read()
  const next = p.peek()
  if (next.kind === 'identifier') {
    p.read()
    return extend(result, { kind: 'attribute', name: next.text, range: rangeBetween(dot.range, next.range) })
  }
  if (next.kind === 'number') {
    p.read()
    return extend(result, legacyIndex(p, dot, next, 'Use the proper index syntax instead'))
  }
  if (next.kind === '*') return parseAttributeSplat(p, dot, result, from)
  const before = p.diagnostics.length
  p.report({
    summary: 'Invalid attribute name',
    detail: 'An attribute name is required after a dot.',
    subject: next.range,
  })
  p.recovery = true
  return {
    kind: 'syntax-error',
    diagnostics: p.diagnostics.slice(before),
    range: rangeBetween(from.range, dot.range),
  }
}

/** `.0`, a way of writing `[0]` that HCL kept from its first version. */
function legacyIndex(
  p: Parser,
  dot: Token,
  number: Token,
  advice: string,
  subject: Range = number.range,
): TraversalStep {
  const range = rangeBetween(dot.range, number.range)
  const point = number.text.indexOf('.')
  if (point < 0) return { kind: 'index', key: numberLiteral(p, number), range }
  const indexes = `[${number.text.slice(0, point)}][${number.text.slice(point + 1)}]`
  p.report({
    summary: 'Invalid legacy index syntax',
    detail: `When using the legacy index syntax, chaining two indexes together is not permitted. ${advice}, like ${indexes}.`,
    subject,
  })
  return { kind: 'index', key: dynamicValue, range }
}

function parseAttributeSplat(
  p: Parser,
  dot: Token,
  source: NativeExpression,
  from: NativeExpression,
): NativeExpression {
  const star = p.read()
  const first = p.peek().range
  const steps: TraversalStep[] = []
  let last = star.range
  const marker = rangeBetween(dot.range, star.range)
  while (p.peek().kind === '.') {
    const inner = p.read()
    const token = p.peek()
    if (token.kind === 'number') {
      p.read()
      steps.push(
        legacyIndex(
          p,
          inner,
          token,
          'Use the proper index syntax with a full splat expression [*] instead',
          star.range,
        ),
      )
    } else if (token.kind === 'identifier') {
      p.read()
      steps.push({ kind: 'attribute', name: token.text, range: rangeBetween(inner.range, token.range) })
    } else {
      const nested = token.kind === '*'
      p.complain({
        summary: nested ? 'Nested splat expression not allowed' : 'Invalid attribute name',
        detail: nested
          ? 'A splat expression (*) cannot be used inside another attribute-only splat expression.'
          : 'An attribute name is required after a dot.',
        subject: nested ? token.range : star.range,
      })
      p.recovery = true
      return source
    }
    last = token.range
  }
  const item: NativeExpression = { kind: 'item', range: marker }
  const each = steps.length === 0 ? item : relative(item, steps, rangeBetween(first, last))
  return { kind: 'splat', source, each, range: rangeBetween(from.range, last), marker }
}

function relative(source: NativeExpression, steps: Traversal, range: Range): NativeExpression {
  return { kind: 'traversal', source, steps, range }
}

function parseBracket(p: Parser, result: NativeExpression, from: NativeExpression): NativeExpression {
  const open = p.read()
  if (p.peek().kind === '*') return parseFullSplat(p, open, result, from)
  const { key, close } = p.withNewlines(false, () => {
    const before = p.diagnostics.length
    const parsed = parseExpression(p)
    if (p.lost(before)) return { key: parsed, close: p.recover(']') }
    const token = p.read()
    if (token.kind === ']' || p.recovery) return { key: parsed, close: token }
    const detail = 'The index operator must end with a closing bracket ("]").'
    // As in the original, the place is that of the token with which parsing goes on.
    const found = p.recover(']')
    p.report({ summary: 'Missing close bracket on index', detail, subject: found.range })
    return { key: parsed, close: found }
  })
  const bracket = rangeBetween(open.range, close.range)
  const constant = constantKey(key)
  if (constant !== undefined) return extend(result, { kind: 'index', key: constant, range: bracket })
  return {
    kind: 'index',
    collection: result,
    key,
    range: rangeBetween(from.range, bracket),
    open: open.range,
    bracket,
  }
}

function constantKey(key: NativeExpression): Value | undefined {
  if (key.kind === 'literal') return key.value
  if (key.kind !== 'template' || key.parts.length !== 1) return undefined
  const [part] = key.parts
  return part?.kind === 'literal' ? part.value : undefined
}

function parseFullSplat(
  p: Parser,
  open: Token,
  source: NativeExpression,
  from: NativeExpression,
): NativeExpression {
  p.read()
  let close = p.read()
  if (close.kind !== ']' && !p.recovery) {
    const detail =
      'The star for a full splat operator must be immediately followed by a closing bracket ("]").'
    close = p.recover(']')
    p.report({ summary: 'Missing close bracket on splat index', detail, subject: close.range })
  }
  const marker = rangeBetween(open.range, close.range)
  if (p.depth >= maxDepth) return parseExpression(p)
  p.depth++
  const each = parseTraversals(p, { kind: 'item', range: marker })
  p.depth--
  return { kind: 'splat', source, each, range: rangeBetween(from.range, each.range), marker }
}
