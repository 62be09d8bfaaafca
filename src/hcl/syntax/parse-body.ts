import { rangeBetween } from '../position.ts'
import type { NativeAttribute, NativeBlock, NativeBody } from './native-body.ts'
import { formatRange } from '../position.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { parseBlock } from './parse-block.ts'
import { parseExpression } from './parse-expression.ts'
import type { Parser } from './parser.ts'
import type { Token } from './token.ts'

/** Parses attributes and blocks up to the token `end`, which is read too. */
export function parseBody(p: Parser, end: '}' | 'eof'): NativeBody {
  const attributes = new Map<string, NativeAttribute>()
  const blocks: NativeBlock[] = []
  const start = p.previousRange()
  for (;;) {
    const next = p.peek()
    if (next.kind === end) {
      p.read()
      return { attributes, blocks, range: rangeBetween(start, next.range) }
    }
    if (next.kind === 'newline') p.read()
    else if (next.kind === 'identifier') {
      const item = parseItem(p)
      if (item === undefined) continue
      if ('type' in item) blocks.push(item)
      else if (attributes.has(item.name))
        reportRedefined(p, item, attributes.get(item.name) as NativeAttribute)
      else attributes.set(item.name, item)
    } else {
      complainOfItem(p, p.read(), end, start)
      const range = rangeBetween(start, p.previousRange())
      p.recover(end)
      return { attributes, blocks, range }
    }
  }
}

function reportRedefined(p: Parser, item: NativeAttribute, existing: NativeAttribute): void {
  const where = formatRange(existing.nameRange)
  p.report({
    summary: 'Attribute redefined',
    detail: `The argument ${goQuote(item.name)} was already set at ${where}. Each argument may be set only once.`,
    subject: item.nameRange,
  })
}

function complainOfItem(p: Parser, bad: Token, end: '}' | 'eof', start: Token['range']): void {
  if (bad.kind === 'open-quote') {
    p.complain({
      summary: 'Invalid argument name',
      detail: 'Argument names must not be quoted.',
      subject: bad.range,
    })
  } else if (bad.kind === 'eof' && end === '}') p.complain({ ...unclosedBlock, subject: start })
  else p.complain({ ...required, subject: bad.range })
}

/** What is said of a block whose brace is never closed. */
export const unclosedBlock = {
  summary: 'Unclosed configuration block',
  detail:
    'There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.',
} as const

/** What is said where an attribute or block should begin. */
export const required = {
  summary: 'Argument or block definition required',
  detail: 'An argument or block definition is required here.',
} as const

/** What is said of a name that neither `=` nor a block follows. */
export const equalsHint = ' To set an argument, use the equals sign "=" to introduce the argument value.'

function parseItem(p: Parser): NativeAttribute | NativeBlock | undefined {
  const name = p.read()
  const next = p.peek().kind
  if (next === '=') return parseAttribute(p, name, false)
  if (next === 'open-quote' || next === '{' || next === 'identifier') return parseBlock(p, name)
  p.recoverAfterItem()
  p.report({ summary: required.summary, detail: required.detail + equalsHint, subject: name.range })
  return undefined
}

/** Parses an attribute whose name has been read; on a `singleLine` no newline follows. */
export function parseAttribute(p: Parser, name: Token, singleLine: boolean): NativeAttribute {
  p.read()
  const before = p.diagnostics.length
  const expression = parseExpression(p)
  const endRange = p.previousRange()
  if (p.lost(before)) p.recoverAfterItem()
  else if (!singleLine) {
    const end = p.peek()
    if (end.kind === 'newline' || end.kind === 'eof') p.read()
    else {
      const comma = end.kind === ','
      p.complain({
        summary: comma ? 'Unexpected comma after argument' : 'Missing newline after argument',
        detail: `${comma ? 'Argument definitions must be separated by newlines, not commas. ' : ''}An argument definition must end with a newline.`,
        subject: end.range,
        context: rangeBetween(name.range, end.range),
      })
      p.recoverAfterItem()
    }
  }
  return { name: name.text, expression, range: rangeBetween(name.range, endRange), nameRange: name.range }
}
