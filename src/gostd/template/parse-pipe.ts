import { parseFloat64, parseInt64 } from '../parse-number.ts'
import { quote } from '../quote.ts'
import { unquote } from '../unquote.ts'
import { builtinNames } from './builtins.ts'
import { showToken, type Token } from './lex.ts'
import type { Command, Operand, Pipe } from './node.ts'
import { templateError } from './template-error.ts'

/** What names mean where a pipeline stands. Declared variables are added to `variables`. */
export interface Scope {
  readonly variables: string[]
  readonly functions: ReadonlySet<string>
}

/** Parses the tokens of one action (the last of kind `end`) as a pipeline. */
export class PipeParser {
  readonly #name: string
  readonly #tokens: readonly Token[]
  readonly #scope: Scope
  #at = 0

  constructor(name: string, tokens: readonly Token[], scope: Scope) {
    this.#name = name
    this.#tokens = tokens
    this.#scope = scope
  }

  /** The pipeline; `context` (`command`, `if`, `range`…) is named in messages. */
  parse(context: string): Pipe {
    const { names, assign } = this.#declaration(context, context === 'range' ? 2 : 1)
    const pipe = this.#pipe(context, 'end')
    for (const name of names) {
      if (!assign) this.#scope.variables.push(name)
      else if (!this.#scope.variables.includes(name)) throw this.#undefinedVariable(name)
    }
    return { ...pipe, variables: names, assign }
  }

  #declaration(context: string, most: number): { readonly names: string[]; readonly assign: boolean } {
    const none = { names: [], assign: false }
    const start = this.#at
    const names: string[] = []
    for (;;) {
      this.#skipSpace()
      const variable = this.#next()
      if (variable.kind !== 'variable') break
      names.push(variable.text)
      this.#skipSpace()
      const mark = this.#next()
      if (mark.kind === 'declare' || mark.kind === 'assign') return { names, assign: mark.kind === 'assign' }
      if (mark.kind !== 'comma') break
      if (names.length >= most) throw this.#fail(`too many declarations in ${context}`)
    }
    this.#at = start
    return none
  }

  #pipe(context: string, close: 'end' | 'close'): Pipe {
    this.#skipSpace()
    const { line, column } = this.#peek()
    const commands: Command[] = []
    for (;;) {
      this.#skipSpace()
      const token = this.#peek()
      if (token.kind === close) {
        if (commands.length === 0) throw this.#fail(`missing value for ${context}`)
        this.#at++
        return { line, column, variables: [], assign: false, commands }
      }
      const command = this.#command()
      const head = command?.args[0]
      if (command === undefined || head === undefined) {
        throw this.#fail(`unexpected ${showToken(token)} in ${context}`)
      }
      if (commands.length > 0 && (head.kind === 'literal' || head.kind === 'dot' || head.kind === 'nil')) {
        throw this.#fail(`non executable command in pipeline stage ${commands.length + 1}`)
      }
      commands.push(command)
    }
  }

  /** One command with the `|` behind it; undefined when there is no operand. */
  #command(): Command | undefined {
    const args: Operand[] = []
    for (;;) {
      this.#skipSpace()
      const operand = this.#operand()
      if (operand !== undefined) args.push(operand)
      else if (args.length === 0) return undefined
      const after = this.#peek()
      if (after.kind === 'end' || after.kind === 'close') return { args }
      if (after.kind !== 'space' && after.kind !== 'pipe') {
        throw this.#fail(`unexpected ${showToken(after)} in operand`)
      }
      this.#at++
      if (after.kind === 'pipe') return { args }
    }
  }

  #operand(): Operand | undefined {
    const start = this.#at
    const term = this.#term()
    if (term === undefined) return undefined
    const fields: string[] = []
    const { column } = this.#peek() // Go tells of a chain with the place of its second link.
    while (this.#peek().kind === 'field') fields.push(this.#next().text.slice(1))
    if (fields.length === 0) return term
    const source = this.#source(start)
    const place = { line: term.line, column, source }
    if (term.kind === 'field') return { ...place, kind: 'field', fields: [...term.fields, ...fields] }
    if (term.kind === 'variable') return { ...place, kind: 'variable', name: term.name, fields }
    if (term.kind === 'literal' || term.kind === 'nil' || term.kind === 'dot') {
      throw this.#fail(`unexpected . after term ${quote(term.source)}`)
    }
    return { ...place, kind: 'chain', head: term, fields }
  }

  #term(): Operand | undefined {
    const token = this.#peek()
    const place = { line: token.line, column: token.column, source: token.text }
    switch (token.kind) {
      case 'identifier':
        this.#at++
        return this.#word(token, place)
      case 'dot':
        this.#at++
        return { ...place, kind: 'dot' }
      case 'field':
        this.#at++
        return { ...place, kind: 'field', fields: [token.text.slice(1)] }
      case 'variable':
        this.#at++
        if (!this.#scope.variables.includes(token.text)) throw this.#undefinedVariable(token.text)
        return { ...place, kind: 'variable', name: token.text, fields: [] }
      case 'string':
      case 'char':
      case 'number':
        this.#at++
        return { ...place, kind: 'literal', value: this.#literal(token) }
      case 'open': {
        const start = this.#at++
        const pipe = this.#pipe('parenthesized pipeline', 'close')
        return { ...place, source: this.#source(start), kind: 'pipe', pipe }
      }
      case 'space':
      case 'declare':
      case 'assign':
      case 'pipe':
      case 'comma':
      case 'close':
      case 'other':
      case 'error':
      case 'end':
        return undefined
      default:
        return token.kind satisfies never
    }
  }

  #word(token: Token, place: { line: number; column: number; source: string }): Operand {
    if (token.text === 'true' || token.text === 'false') {
      return { ...place, kind: 'literal', value: token.text === 'true' }
    }
    if (token.text === 'nil') return { ...place, kind: 'nil' }
    if (!this.#scope.functions.has(token.text) && !builtinNames.has(token.text)) {
      throw this.#fail(`function ${quote(token.text)} not defined`)
    }
    return { ...place, kind: 'function', name: token.text }
  }

  #literal(token: Token): string | number | bigint {
    try {
      if (token.kind === 'string') return unquote(token.text)
      if (token.kind === 'char') return BigInt(unquote(token.text).codePointAt(0) as number)
      if (/^[+-]?(0[xXbBoO]|[\d_]+$)/.test(token.text)) return parseInt64(token.text)
      return parseFloat64(token.text.replaceAll('_', ''))
    } catch {
      if (token.kind === 'char') throw this.#fail(`malformed character constant: ${token.text}`)
      if (token.kind === 'string') throw this.#fail('invalid syntax')
      throw this.#fail(`integer overflow: ${quote(token.text)}`)
    }
  }

  #source(start: number): string {
    return this.#tokens
      .slice(start, this.#at)
      .map(token => token.text)
      .join('')
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#at++
  }

  #peek(): Token {
    const token = this.#tokens[this.#at] ?? { kind: 'end', text: '}}', line: 1, column: 0 }
    if (token.kind === 'error') throw templateError(this.#name, token, token.text)
    return token
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }

  #undefinedVariable(name: string): Error {
    return this.#fail(`undefined variable ${quote(name)}`)
  }

  #fail(message: string): Error {
    return templateError(this.#name, this.#tokens[this.#at] ?? { line: 1, column: 0 }, message)
  }
}
