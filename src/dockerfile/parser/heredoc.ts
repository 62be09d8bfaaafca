import { Lexer } from '../shell/lexer.ts'
import { noVariables } from '../shell/variables.ts'
import type { Heredoc } from './node.ts'

/** A here-document's announcement (`<<EOF`), its content still to be read. */
export type HeredocWord = Omit<Heredoc, 'content'>

const form = /^(\d*)<<(-?)[\t\n\f\r ]*([^<]*)$/

/**
 * Reads one word as a here-document; undefined where it is none. Throws `invalid-argument` where the quotes of its name
 * do not match.
 */
export function parseHeredoc(word: string): HeredocWord | undefined {
  const match = form.exec(word)
  const rest = match?.[3]
  if (match === null || rest === undefined || rest === '') return undefined
  const plain = new Lexer({ skipUnset: true }).words(rest, noVariables)
  const name = plain[0]
  if (plain.length !== 1 || name === undefined) return undefined
  const raw = new Lexer({ skipUnset: true, rawQuotes: true }).words(rest, noVariables)
  return {
    name,
    expand: countQuotes(name) === countQuotes(raw[0] ?? ''),
    chomp: match[2] === '-',
    fileDescriptor: Math.min(Number(match[1] || '0'), 0xffffffff),
  }
}

/** The same, with mistakes read as "none". */
export function tryParseHeredoc(word: string): HeredocWord | undefined {
  try {
    return parseHeredoc(word)
  } catch {
    return undefined
  }
}

/** All here-documents that a joined instruction line announces, in order. */
export function heredocsOfLine(line: string): HeredocWord[] {
  const lexer = new Lexer({ rawQuotes: true, rawEscapes: true, skipUnset: true })
  const result = lexer.process(line, noVariables)
  if (result.error !== undefined) return []
  return result.words.map(parseHeredoc).filter(doc => doc !== undefined)
}

/** The content of a `<<-` document: every line without its leading tabs. */
export function chompHeredoc(content: string): string {
  return content.replace(/(^|\n)\t+/g, '$1')
}

function countQuotes(text: string): number {
  return text.split(/['"]/).length - 1
}
