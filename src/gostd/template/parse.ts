import { quote } from '../quote.ts'
import { unquote } from '../unquote.ts'
import { lexTemplate, type Piece, showToken, type Token } from './lex.ts'
import type { Pipe, Template, TemplateNode } from './node.ts'
import { PipeParser } from './parse-pipe.ts'
import { templateError } from './template-error.ts'

interface Block {
  readonly nodes: readonly TemplateNode[]
  /** The action that ended the block: `end`, or `else` with the tokens behind it; undefined at the end of the text. */
  readonly ending: { readonly word: 'end' | 'else'; readonly tokens: readonly Token[] } | undefined
}

/**
 * Parses a Go text/template. `functions` are the names that may be called besides Go's own ones. Throws
 * `invalid-argument` with Go's texts (`template: :1: function "x" not defined`).
 */
export function parseTemplate(text: string, functions: Iterable<string>, name = ''): Template {
  const parser = new TreeParser(name, lexTemplate(name, text), new Set(functions))
  return { name, definitions: parser.parse() }
}

class TreeParser {
  readonly #name: string
  readonly #pieces: readonly Piece[]
  readonly #functions: ReadonlySet<string>
  readonly #definitions = new Map<string, readonly TemplateNode[]>()
  #at = 0
  #variables: string[] = ['$']
  #loops = 0
  #last: Token = { kind: 'end', text: '', line: 1, column: 0 }

  constructor(name: string, pieces: readonly Piece[], functions: ReadonlySet<string>) {
    this.#name = name
    this.#pieces = pieces
    this.#functions = functions
  }

  parse(): ReadonlyMap<string, readonly TemplateNode[]> {
    const { nodes, ending } = this.#block()
    if (ending !== undefined) throw this.#fail(`unexpected {{${ending.word}}}`)
    this.#definitions.set(this.#name, nodes)
    return this.#definitions
  }

  #block(): Block {
    const nodes: TemplateNode[] = []
    for (;;) {
      const piece = this.#pieces[this.#at++]
      if (piece === undefined) return { nodes, ending: undefined }
      if (piece.kind === 'text') {
        nodes.push(piece)
        continue
      }
      this.#last = piece.tokens[0] ?? this.#last
      const tokens = piece.tokens.slice(piece.tokens[0]?.kind === 'space' ? 1 : 0)
      const first = tokens[0]
      const word = first?.kind === 'identifier' ? first.text : ''
      const rest = tokens.slice(1)
      if (word === 'end' || word === 'else') {
        this.#checkEnding(word, rest)
        return { nodes, ending: { word, tokens: rest } }
      }
      const node = this.#action(word, rest, tokens)
      if (node !== undefined) nodes.push(node)
    }
  }

  #checkEnding(word: 'end' | 'else', rest: readonly Token[]): void {
    const error = rest.find(token => token.kind === 'error')
    if (error !== undefined) throw templateError(this.#name, error, error.text)
    const extra = rest.find(token => token.kind !== 'space' && token.kind !== 'end')
    if (word === 'end' && extra !== undefined) throw this.#fail(`unexpected ${show(extra)} in end`)
  }

  #action(word: string, rest: readonly Token[], tokens: readonly Token[]): TemplateNode | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(word, rest)
      case 'define':
        return this.#define(rest)
      case 'block':
      case 'template':
        return this.#call(word, rest)
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw this.#fail(`{{${word}}} outside {{range}}`)
        return { kind: word }
      default:
        return { kind: 'action', pipe: this.#pipe(tokens, 'command') }
    }
  }

  #control(word: 'if' | 'with' | 'range', rest: readonly Token[]): TemplateNode {
    const outer = this.#variables
    this.#variables = [...outer]
    const pipe = this.#pipe(rest, word)
    if (word === 'range') this.#loops++
    const { nodes: body, ending } = this.#block()
    if (word === 'range') this.#loops--
    const otherwise = this.#otherwise(word, ending)
    this.#variables = outer
    return { kind: word, pipe, body, otherwise }
  }

  #otherwise(word: string, ending: Block['ending']): readonly TemplateNode[] {
    if (ending === undefined) throw this.#fail('unexpected EOF')
    if (ending.word === 'end') return []
    const tokens = ending.tokens.slice(ending.tokens[0]?.kind === 'space' ? 1 : 0)
    const chained = tokens[0]?.text
    if ((chained === 'if' || chained === 'with') && chained === word) {
      return [this.#control(chained, tokens.slice(1))]
    }
    if (tokens[0]?.kind !== 'end') throw this.#fail(`unexpected ${show(tokens[0])} in else`)
    const { nodes, ending: last } = this.#block()
    if (last === undefined) throw this.#fail('unexpected EOF')
    if (last.word === 'else') throw this.#fail('expected end; found {{else}}')
    return nodes
  }

  #define(rest: readonly Token[]): undefined {
    const { name } = this.#named(rest, 'define')
    if (this.#definitions.has(name)) {
      throw this.#fail(`template: multiple definition of template ${quote(name)}`)
    }
    const outer = this.#variables
    this.#variables = ['$']
    const { nodes, ending } = this.#block()
    if (ending?.word !== 'end') throw this.#fail('unexpected EOF')
    this.#variables = outer
    this.#definitions.set(name, nodes)
  }

  #call(word: 'block' | 'template', rest: readonly Token[]): TemplateNode {
    const { name, named, tail } = this.#named(rest, word)
    const empty = tail.every(token => token.kind === 'space' || token.kind === 'end')
    const pipe = empty ? undefined : this.#pipe(tail, word)
    if (word === 'block') {
      if (pipe === undefined) throw this.#fail('missing value for block clause')
      this.#define([named])
    }
    return { kind: 'template', name, pipe, place: { line: named.line, column: named.column } }
  }

  #named(
    rest: readonly Token[],
    context: string,
  ): { readonly name: string; readonly named: Token; readonly tail: readonly Token[] } {
    const at = rest.findIndex(token => token.kind !== 'space')
    const named = rest[at]
    if (named?.kind !== 'string') throw this.#fail(`unexpected ${show(named)} in ${context} clause`)
    return { name: unquote(named.text), named, tail: rest.slice(at + 1) }
  }

  #pipe(tokens: readonly Token[], context: string): Pipe {
    const scope = { variables: this.#variables, functions: this.#functions }
    return new PipeParser(this.#name, tokens, scope).parse(context)
  }

  #fail(message: string): Error {
    return templateError(this.#name, this.#last, message)
  }
}

const show = (token: Token | undefined): string => (token === undefined ? '"}}"' : showToken(token))
