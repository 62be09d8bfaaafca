import { SlipwayError } from '../../errors/slipway-error.ts'
import { argumentParsers } from './arguments.ts'
import { DirectiveReader } from './directive.ts'
import { type HeredocWord, heredocsOfLine } from './heredoc.ts'
import { LineReader, maxLineBytes } from './line-reader.ts'
import { lineRanges, locatedError } from './location.ts'
import type { Heredoc, Node } from './node.ts'
import { splitCommand } from './split-command.ts'
import { trimEndOf, trimLeft, trimSpace } from './white-space.ts'

/** What parsing yields. */
export interface ParsedFile {
  readonly nodes: readonly Node[]
  /** `\` or a backtick. */
  readonly escape: string
  /** Last lines of instructions that have an empty line inside their continuation. */
  readonly emptyContinuations: readonly number[]
}

/**
 * Splits a Dockerfile into instructions: comments and continuations resolved, here-documents attached, words split.
 * Whether the instructions make sense is not looked at. Throws `invalid-argument` with the lines in its details.
 */
export function parseDockerfile(text: string): ParsedFile {
  return new FileParser(text).parse()
}

class FileParser {
  readonly #lines: LineReader
  readonly #directives = new DirectiveReader()
  readonly #nodes: Node[] = []
  readonly #emptyContinuations: number[] = []
  #escape = '\\'
  #line = 0
  #comments: string[] = []

  constructor(text: string) {
    this.#lines = new LineReader(text.startsWith('\ufeff') ? text.slice(1) : text)
  }

  parse(): ParsedFile {
    for (let raw = this.#lines.next(); raw !== undefined; raw = this.#lines.next()) {
      const isDirective = this.#readDirective(raw)
      this.#line++
      if (isComment(raw)) {
        if (!isDirective) this.#addComment(raw)
        continue
      }
      const line = trimLeft(trimNewline(raw))
      if (line === '') continue
      const start = this.#line
      this.#addNode(this.#joinContinuations(line), start)
    }
    if (this.#nodes.length === 0) throw this.#failure('file with no instructions')
    if (this.#lines.tooLong) {
      throw this.#failure(`dockerfile line greater than max allowed size of ${maxLineBytes}`)
    }
    return { nodes: this.#nodes, escape: this.#escape, emptyContinuations: this.#emptyContinuations }
  }

  #failure(message: string): SlipwayError {
    return locatedError(new SlipwayError('invalid-argument', message), lineRanges(this.#line, 0))
  }

  #readDirective(raw: string): boolean {
    try {
      const directive = this.#directives.read(trimLeft(trimNewline(raw)))
      if (directive?.name === 'escape') this.#setEscape(directive.value)
      return directive !== undefined
    } catch (error) {
      throw locatedError(error, lineRanges(this.#line, 0))
    }
  }

  #setEscape(value: string): void {
    if (value !== '\\' && value !== '`') {
      const message = `invalid escape token '${value}' does not match \` or \\`
      throw new SlipwayError('invalid-argument', message)
    }
    this.#escape = value
  }

  /** An empty comment line ends a block; an indented `#` stays in the text, as BuildKit keeps it. */
  #addComment(raw: string): void {
    const comment = trimSpace(raw.slice(1))
    if (comment === '') this.#comments = []
    else this.#comments.push(comment)
  }

  /** Appends lines while they end in the escape character, which must not be escaped itself. Comments are skipped. */
  #joinContinuations(first: string): string {
    let { text, open } = this.#cutContinuation(first)
    let hasEmpty = false
    while (open) {
      const raw = this.#lines.next()
      if (raw === undefined) break
      this.#line++
      if (isComment(raw)) continue
      const line = trimNewline(raw)
      if (trimLeft(line) === '') {
        hasEmpty = true
        continue
      }
      const cut = this.#cutContinuation(line)
      text += cut.text
      open = cut.open
    }
    if (hasEmpty) this.#emptyContinuations.push(this.#line)
    return text
  }

  #cutContinuation(line: string): { text: string; open: boolean } {
    const end = trimEndOf(line, ' \t')
    const open = end.endsWith(this.#escape) && (end.length === 1 || end.at(-2) !== this.#escape)
    return { text: open ? end.slice(0, -1) : line, open }
  }

  #addNode(line: string, start: number): void {
    try {
      const node = nodeOfLine(line, this.#escape, start)
      const heredocs =
        canHoldHeredoc(node) && line.includes('<<')
          ? heredocsOfLine(line).map(word => this.#readHeredoc(word))
          : []
      this.#nodes.push({ ...node, heredocs, endLine: this.#line, comments: this.#comments })
    } catch (error) {
      throw locatedError(error, lineRanges(start, this.#line))
    }
    this.#comments = []
  }

  #readHeredoc(word: HeredocWord): Heredoc {
    const content: string[] = []
    for (let raw = this.#lines.next(); raw !== undefined; raw = this.#lines.next()) {
      this.#line++
      const line = trimNewline(raw)
      if ((word.chomp ? line.replace(/^\t+/, '') : line) === word.name) {
        return { ...word, content: content.join('') }
      }
      content.push(raw)
    }
    throw new SlipwayError('invalid-argument', 'unterminated heredoc')
  }
}

/** One instruction from its joined line; here-documents are not read. Throws `invalid-argument`. */
function nodeOfLine(line: string, escape: string, start: number): Node {
  const { keyword, flags, rest } = splitCommand(line, escape)
  const common = {
    keyword,
    flags,
    original: line,
    heredocs: [],
    startLine: start,
    endLine: start,
    comments: [],
  }
  if (keyword.toLowerCase() === 'onbuild') {
    if (rest === '') return { ...common, args: [], json: false }
    const isNested = splitCommand(rest, escape).keyword.toLowerCase() === 'onbuild'
    const inner: Node = isNested
      ? { ...common, keyword: 'ONBUILD', args: [], json: false }
      : nodeOfLine(rest, escape, start)
    return { ...common, args: [inner.keyword, ...inner.args], json: false, inner }
  }
  const parser = argumentParsers[keyword.toLowerCase()]
  return { ...common, json: false, ...(parser === undefined ? { args: [] } : parser(rest, escape)) }
}

function canHoldHeredoc(node: Node): boolean {
  const holder = node.inner ?? node
  return ['add', 'copy', 'run'].includes(holder.keyword.toLowerCase()) && !holder.json
}

function isComment(raw: string): boolean {
  return trimLeft(raw).startsWith('#')
}

function trimNewline(raw: string): string {
  return trimEndOf(raw, '\r\n')
}
