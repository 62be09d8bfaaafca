import { rangeBetween } from '../position.ts'
import type { NativeExpression, ObjectItem } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import { parseFor } from './parse-for.ts'
import type { Parser } from './parser.ts'
import type { Token } from './token.ts'

/** Parses `[a, b]` or `[for …]`. */
export function parseTuple(p: Parser): NativeExpression {
  const open = p.read()
  return p.withNewlines(false, () => {
    if (p.atWord('for')) return parseFor(p, open)
    const items: NativeExpression[] = []
    const close = parseItems(p, open, items)
    return { kind: 'tuple', items, range: rangeBetween(open.range, close.range), open: open.range }
  })
}

function parseItems(p: Parser, open: Token, items: NativeExpression[]): Token {
  for (;;) {
    if (p.peek().kind === ']') return p.read()
    const before = p.diagnostics.length
    items.push(parseExpression(p))
    if (p.lost(before)) return p.recover(']')
    const next = p.peek()
    if (next.kind === ']') return p.read()
    if (next.kind !== ',') {
      if (next.kind === 'eof') p.complain(unterminated('tuple', 'bracket', open))
      else
        p.complain(
          between(
            open,
            next,
            'Missing item separator',
            'Expected a comma to mark the beginning of the next item.',
          ),
        )
      return p.recover(']')
    }
    p.read()
  }
}

/** Parses `{ a = b }` or `{for …}`. */
export function parseObject(p: Parser): NativeExpression {
  const open = p.read()
  if (p.withNewlines(false, () => p.atWord('for'))) return parseFor(p, open)
  return p.withNewlines(true, () => {
    const items: ObjectItem[] = []
    const close = parseAttributes(p, open, items)
    return { kind: 'object', items, range: rangeBetween(open.range, close.range), open: open.range }
  })
}

function parseAttributes(p: Parser, open: Token, items: ObjectItem[]): Token {
  for (;;) {
    const next = p.peek()
    if (next.kind === 'newline') {
      p.read()
      continue
    }
    if (next.kind === '}') return p.read()
    const before = p.diagnostics.length
    const wrapped = parseExpression(p)
    if (p.lost(before)) return p.recover('}')
    const key: NativeExpression = {
      kind: 'object-key',
      wrapped,
      forced: next.kind === '(',
      range: wrapped.range,
    }
    const separator = p.peek()
    if (separator.kind !== '=' && separator.kind !== ':') {
      complainOfSeparator(p, open, separator)
      return p.recover('}')
    }
    p.read()
    const atValue = p.diagnostics.length
    const value = parseExpression(p)
    if (p.lost(atValue)) {
      if (value.kind === 'syntax-error') items.push({ key, value })
      return p.recover('}')
    }
    items.push({ key, value })
    const after = p.peek()
    if (after.kind === '}') return p.read()
    if (after.kind !== ',' && after.kind !== 'newline') {
      if (after.kind === 'eof') p.complain(unterminated('object', 'brace', open))
      else {
        const detail = 'Expected a newline or comma to mark the beginning of the next attribute.'
        p.complain(between(open, after, 'Missing attribute separator', detail))
      }
      return p.recover('}')
    }
    p.read()
  }
}

function complainOfSeparator(p: Parser, open: Token, at: Token): void {
  const expected = 'to mark the beginning of the attribute value.'
  if (at.kind === 'eof') return p.complain(unterminated('object', 'brace', open))
  if (at.kind === 'newline' || at.kind === ',') {
    const detail = 'Expected an attribute value, introduced by an equals sign ("=").'
    return p.complain(between(open, at, 'Missing attribute value', detail))
  }
  const hint =
    at.kind === 'identifier'
      ? ' If you intended to given an attribute name containing periods or spaces, write the name in quotes to create a string literal.'
      : ''
  p.complain(
    between(open, at, 'Missing key/value separator', `Expected an equals sign ("=") ${expected}${hint}`),
  )
}

function unterminated(
  what: string,
  bracket: string,
  open: Token,
): { summary: string; detail: string; subject: Token['range'] } {
  return {
    summary: `Unterminated ${what} constructor expression`,
    detail: `There is no corresponding closing ${bracket} before the end of the file. This may be caused by incorrect ${bracket} nesting elsewhere in this file.`,
    subject: open.range,
  }
}

function between(
  open: Token,
  at: Token,
  summary: string,
  detail: string,
): { summary: string; detail: string; subject: Token['range']; context: Token['range'] } {
  return { summary, detail, subject: at.range, context: rangeBetween(open.range, at.range) }
}
