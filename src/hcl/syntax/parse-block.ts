import { type Range, rangeBetween } from '../position.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { literalText } from './string-literal.ts'
import type { NativeBlock, NativeBody } from './native-body.ts'
import { equalsHint, parseAttribute, parseBody, required, unclosedBlock } from './parse-body.ts'
import { maxDepth, type Parser } from './parser.ts'
import type { Token } from './token.ts'

/** Parses a block whose type has been read. */
export function parseBlock(p: Parser, type: Token): NativeBlock {
  const labels: string[] = []
  const labelRanges: Range[] = []
  for (;;) {
    const token = p.peek()
    if (token.kind === '{' && p.depth < maxDepth) break
    if (token.kind === 'open-quote') {
      const label = parseLabel(p)
      labels.push(label.text)
      labelRanges.push(label.range)
    } else if (token.kind === 'identifier') {
      p.read()
      labels.push(token.text)
      labelRanges.push(token.range)
    } else {
      reportHeader(p, type, token)
      p.recoverAfterItem()
      const body: NativeBody = { attributes: new Map(), blocks: [], range: type.range }
      return { type: type.text, labels, body, typeRange: type.range, labelRanges, openBrace: type.range }
    }
  }
  const open = p.read()
  p.depth++
  const body = parseContent(p, type, open)
  p.depth--
  const end = p.peek()
  if (end.kind === 'newline' || end.kind === 'eof') p.read()
  else {
    p.complain({
      summary: 'Missing newline after block definition',
      detail: 'A block definition must end with a newline.',
      subject: end.range,
      context: rangeBetween(type.range, end.range),
    })
    p.recoverAfterItem()
  }
  return { type: type.text, labels, body, typeRange: type.range, labelRanges, openBrace: open.range }
}

function reportHeader(p: Parser, type: Token, token: Token): void {
  const report = (detail: string): void => {
    const context = rangeBetween(type.range, token.range)
    p.report({ summary: 'Invalid block definition', detail, subject: token.range, context })
  }
  if (token.kind === '=') {
    report(
      'The equals sign "=" indicates an argument definition, and must not be used when defining a block.',
    )
  } else if (token.kind === 'newline') {
    report(
      'A block definition must have block content delimited by "{" and "}", starting on the same line as the block header.',
    )
  } else if (!p.recovery)
    report('Either a quoted string block label or an opening brace ("{") is expected here.')
}

function parseContent(p: Parser, type: Token, open: Token): NativeBody {
  const next = p.peek().kind
  if (next === 'newline' || next === 'eof' || next === '}') return parseBody(p, '}')
  const before = p.diagnostics.length
  const body = parseSingle(p)
  const inner = p.diagnostics.splice(before)
  const close = p.peek()
  if (close.kind === '}') p.read()
  else {
    reportSingle(p, type, open, close)
    p.recover('}')
  }
  for (const d of inner) p.diagnostics.push(d)
  return body ?? { attributes: new Map(), blocks: [], range: rangeBetween(open.range, p.previousRange()) }
}

function reportSingle(p: Parser, type: Token, open: Token, close: Token): void {
  const summary = 'Invalid single-argument block definition'
  if (close.kind === ',') {
    const detail =
      'Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.'
    p.report({ summary, detail, subject: close.range })
  } else if (close.kind === 'newline') {
    const detail =
      "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition."
    p.report({ summary, detail, subject: close.range })
  } else if (close.kind === 'eof') {
    p.complain({ ...unclosedBlock, subject: open.range, context: rangeBetween(type.range, open.range) })
  } else {
    const detail =
      'A single-line block definition must end with a closing brace immediately after its single argument definition.'
    p.complain({ summary, detail, subject: close.range })
  }
}

/** The one attribute of a block written on a single line. */
function parseSingle(p: Parser): NativeBody | undefined {
  const name = p.read()
  if (name.kind !== 'identifier') {
    p.recoverAfterItem()
    p.report({ ...required, subject: name.range })
    return undefined
  }
  const next = p.peek()
  if (next.kind === '=') {
    const attribute = parseAttribute(p, name, true)
    return { attributes: new Map([[attribute.name, attribute]]), blocks: [], range: attribute.range }
  }
  p.recoverAfterItem()
  if (next.kind === 'open-quote' || next.kind === '{' || next.kind === 'identifier') {
    p.report({
      summary: 'Argument definition required',
      detail: `A single-line block definition can contain only a single argument. If you meant to define argument ${goQuote(name.text)}, use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block.`,
      subject: rangeBetween(name.range, next.range),
    })
  } else p.report({ summary: required.summary, detail: required.detail + equalsHint, subject: name.range })
  return undefined
}

function parseLabel(p: Parser): { text: string; range: Range } {
  const open = p.read()
  let text = ''
  for (;;) {
    const token = p.read()
    const context = rangeBetween(open.range, token.range)
    if (token.kind === 'close-quote') return { text, range: context }
    if (token.kind === 'quoted-literal') text += literalText(token, p.diagnostics)
    else if (token.kind === 'template-interp' || token.kind === 'template-control') {
      const c = token.text[0] as string
      p.report({
        summary: 'Invalid string literal',
        detail: `Template sequences are not allowed in this string. To include a literal "${c}", double it (as "${c}${c}") to escape it.`,
        subject: token.range,
        context,
      })
      text += `${c}{ ... }`
      p.recover('template-end')
    } else if (token.kind === 'eof') {
      const detail = 'Unable to find the closing quote mark before the end of the file.'
      p.report({ summary: 'Unterminated string literal', detail, subject: token.range, context })
      return { text, range: context }
    } else {
      p.report({
        summary: 'Invalid string literal',
        detail: 'This item is not valid in a string literal.',
        subject: token.range,
        context,
      })
      p.recover('close-quote')
      return { text, range: context }
    }
  }
}
