import { quote } from '../quote.ts'
import type { Place } from './node.ts'
import { templateError } from './template-error.ts'

/** Kinds of tokens inside an action; `end` closes it (`}}`), the text of `error` is a message for whoever reaches it. */
export type TokenKind =
  | 'space'
  | 'field'
  | 'dot'
  | 'variable'
  | 'identifier'
  | 'string'
  | 'char'
  | 'number'
  | 'declare'
  | 'assign'
  | 'pipe'
  | 'comma'
  | 'open'
  | 'close'
  | 'other'
  | 'error'
  | 'end'

/** A token with its text. */
export interface Token extends Place {
  readonly kind: TokenKind
  readonly text: string
}

/** A template cut into plain text and the tokens of its actions. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[] }

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['comma', /,/y],
  ['open', /\(/y],
  ['close', /\)/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.)+'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bBoO][\d_]+|(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['identifier', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['other', /[!-~]/y],
]

/**
 * Cuts a template into pieces, dropping comments and the blanks that `{{- ` and ` -}}` trim. What cannot be read
 * becomes a token of kind `error` that ends its action and the list, because the parser may find an earlier mistake.
 */
export function lexTemplate(name: string, text: string): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trimNext = false
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    const raw = text.slice(at, open < 0 ? text.length : open)
    const trimLast = open >= 0 && /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4))
    const left = trimNext ? raw.replace(/^[ \t\r\n]+/, '') : raw
    const plain = trimLast ? left.replace(/[ \t\r\n]+$/, '') : left
    if (plain !== '') pieces.push({ kind: 'text', text: plain })
    if (open < 0) break
    const start = open + (trimLast ? 4 : 2)
    const comment = /^\/\*.*?\*\//s.exec(text.slice(start))
    if (comment !== null) {
      const close = /^(?:[ \t\r\n]-)?\}\}/.exec(text.slice(start + comment[0].length))
      if (close === null)
        throw templateError(name, place(text, start), 'comment ends before closing delimiter')
      trimNext = close[0].length > 2
      at = start + comment[0].length + close[0].length
      continue
    }
    if (text.startsWith('/*', start)) throw templateError(name, place(text, start), 'unclosed comment')
    const action = lexAction(text, start)
    pieces.push({ kind: 'action', tokens: action.tokens })
    trimNext = action.trim
    at = action.next
  }
  return pieces
}

function lexAction(
  text: string,
  start: number,
): { readonly tokens: Token[]; readonly next: number; readonly trim: boolean } {
  const tokens: Token[] = []
  let at = start
  let depth = 0
  const broken = (message: string): ReturnType<typeof lexAction> => {
    tokens.push({ kind: 'error', text: message, ...place(text, at) })
    return { tokens, next: text.length, trim: false }
  }
  for (;;) {
    const close = /^(?:[ \t\r\n]-)?\}\}/.exec(text.slice(at, at + 4))
    if (close !== null) {
      if (depth > 0) return broken('unclosed left paren')
      tokens.push({ kind: 'end', text: '}}', ...place(text, at) })
      return { tokens, next: at + close[0].length, trim: close[0].length > 2 }
    }
    if (at >= text.length) return broken('unclosed action')
    const token = lexToken(text, at)
    if (token === undefined || (token.kind === 'other' && /["'`:]/.test(token.text))) {
      return broken(complaint(text, at))
    }
    const after = text.slice(at + token.text.length)
    if (token.kind === 'number' && /^[\p{L}\p{Nd}_]/u.test(after)) {
      return broken(`bad number syntax: ${quote(token.text + Array.from(after)[0])}`)
    }
    if (token.kind === 'open') depth++
    if (token.kind === 'close' && --depth < 0) return broken('unexpected right paren')
    tokens.push(token)
    at += token.text.length
  }
}

function lexToken(text: string, at: number): Token | undefined {
  const before = text[at - 1]
  for (const [kind, pattern] of patterns) {
    // A dot glued to what stands before it is a field or a chain, never the start of a number.
    if (kind === 'number' && text[at] === '.' && before !== undefined && !/[\s({|,=]/.test(before)) continue
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) return { kind, text: found[0], ...place(text, at) }
  }
  return undefined
}

const keywords: readonly string[] = '. block break continue define else end if nil range template with'.split(
  ' ',
)

/** A token as messages name it: `<end>` for keywords, else quoted and cut after ten characters. */
export function showToken(token: Token): string {
  if (keywords.includes(token.text)) return `<${token.text}>`
  const chars = Array.from(token.text)
  return chars.length > 10 ? `${quote(chars.slice(0, 10).join(''))}...` : quote(token.text)
}

function complaint(text: string, at: number): string {
  const char = String.fromCodePoint(text.codePointAt(at) as number)
  if (char === '"') return 'unterminated quoted string'
  if (char === '`') return 'unterminated raw quoted string'
  if (char === "'") return 'unterminated character constant'
  if (char === ':') return 'expected :='
  const point = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')
  return `unrecognized character in action: U+${point} '${char}'`
}

function place(text: string, at: number): Place {
  const before = text.slice(0, at)
  const newline = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: Buffer.byteLength(before.slice(newline + 1)) }
}
