import type { Diagnostics } from '../diagnostic.ts'
import { fileStart, type Pos } from '../position.ts'
import { checkTokens } from './check-tokens.ts'
import type { NativeExpression } from './expression.ts'
import type { NativeBody } from './native-body.ts'
import { parseBody } from './parse-body.ts'
import { parseExpression } from './parse-expression.ts'
import { parseTemplateInner } from './parse-template.ts'
import { Parser } from './parser.ts'
import { type ScanMode, scanTokens } from './scan.ts'

/** Parses a file of the native syntax (https://github.com/hashicorp/hcl/blob/v2.24.0/hclsyntax/spec.md). */
export function parseNative(text: string, filename: string, diagnostics: Diagnostics): NativeBody {
  return parseBody(start(text, filename, fileStart, 'config', diagnostics), 'eof')
}

/** Parses `text` as one expression that begins at `at`; newlines in it mean nothing. */
export function parseExpressionText(
  text: string,
  filename: string,
  at: Pos,
  diagnostics: Diagnostics,
): NativeExpression {
  const p = start(text, filename, at, 'config', diagnostics)
  return p.withNewlines(false, () => {
    const expression = parseExpression(p)
    const next = p.peek()
    if (next.kind !== 'eof') {
      const detail = 'An expression was successfully parsed, but extra characters were found after it.'
      p.complain({ summary: 'Extra characters after expression', detail, subject: next.range })
    }
    return expression
  })
}

/** Parses `text` as the inside of a template that begins at `at`. */
export function parseTemplateText(
  text: string,
  filename: string,
  at: Pos,
  diagnostics: Diagnostics,
): NativeExpression {
  const p = start(text, filename, at, 'template', diagnostics)
  const { expressions, wraps, range } = parseTemplateInner(p, 'eof', false)
  const [first] = expressions
  if (wraps && first !== undefined) return { kind: 'template-wrap', wrapped: first, range }
  return { kind: 'template', parts: expressions, range }
}

function start(text: string, filename: string, at: Pos, mode: ScanMode, diagnostics: Diagnostics): Parser {
  const tokens = scanTokens(text, filename, at, mode)
  checkTokens(tokens, diagnostics)
  return new Parser(tokens, diagnostics)
}
