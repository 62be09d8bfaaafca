import { rangeBetween } from '../position.ts'
import type { NativeExpression } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import type { Parser } from './parser.ts'
import type { Token } from './token.ts'

/** Parses a function call whose name (or first part of it) has been read. */
export function parseCall(p: Parser, name: Token): NativeExpression {
  let open = p.read()
  let fullName = name.text
  let end = name.range
  while (open.kind === '::') {
    const part = p.read()
    if (part.kind !== 'identifier') {
      return broken(
        p,
        name,
        part,
        'Missing function name',
        'Function scope resolution symbol :: must be followed by a function name in this scope.',
      )
    }
    fullName += `::${part.text}`
    end = part.range
    open = p.read()
  }
  if (open.kind !== '(') {
    return broken(
      p,
      name,
      open,
      'Missing open parenthesis',
      'Function selector must be followed by an open parenthesis to begin the function call.',
    )
  }
  const nameRange = rangeBetween(name.range, end)
  const { args, expand, close } = p.withNewlines(false, () => parseArguments(p, name, open))
  const range = rangeBetween(nameRange, close.range)
  return {
    kind: 'call',
    name: fullName,
    args,
    expand,
    nameRange,
    open: open.range,
    close: close.range,
    range,
  }
}

function broken(p: Parser, name: Token, at: Token, summary: string, detail: string): NativeExpression {
  const range = rangeBetween(name.range, at.range)
  const diagnostic = { summary, detail, subject: at.range, context: range }
  p.report(diagnostic)
  p.recoverOver('(')
  return { kind: 'syntax-error', diagnostics: [diagnostic], range }
}

interface Arguments {
  readonly args: NativeExpression[]
  readonly expand: boolean
  readonly close: Token
}

function parseArguments(p: Parser, name: Token, open: Token): Arguments {
  const args: NativeExpression[] = []
  for (;;) {
    if (p.peek().kind === ')') return { args, expand: false, close: p.read() }
    const before = p.diagnostics.length
    args.push(parseExpression(p))
    if (p.lost(before)) {
      const found = p.recover(')')
      return { args, expand: false, close: found.kind === ')' ? found : { ...found, range: found.range } }
    }
    const separator = p.read()
    if (separator.kind === ')') return { args, expand: false, close: separator }
    if (separator.kind === '...') return { args, expand: true, close: closeExpanded(p, name, separator) }
    if (separator.kind !== ',') {
      reportSeparator(p, name, open, separator)
      return { args, expand: false, close: p.recover(')') }
    }
  }
}

function closeExpanded(p: Parser, name: Token, ellipsis: Token): Token {
  if (p.peek().kind === ')') return p.read()
  p.complain({
    summary: 'Missing closing parenthesis',
    detail: 'An expanded function argument (with ...) must be immediately followed by closing parentheses.',
    subject: ellipsis.range,
    context: rangeBetween(name.range, ellipsis.range),
  })
  return p.recover(')')
}

function reportSeparator(p: Parser, name: Token, open: Token, separator: Token): void {
  if (separator.kind === 'eof') {
    p.report({
      summary: 'Unterminated function call',
      detail:
        'There is no closing parenthesis for this function call before the end of the file. This may be caused by incorrect parenthesis nesting elsewhere in this file.',
      subject: rangeBetween(name.range, open.range),
    })
    return
  }
  p.report({
    summary: 'Missing argument separator',
    detail: 'A comma is required to separate each function argument from the next.',
    subject: separator.range,
    context: rangeBetween(name.range, separator.range),
  })
}
