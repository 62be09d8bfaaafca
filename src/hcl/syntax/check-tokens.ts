import type { Diagnostics } from '../diagnostic.ts'
import type { Token } from './token.ts'

const bitwise: Readonly<Record<string, string>> = {
  '&': ' Did you mean boolean AND ("&&")?',
  '|': ' Did you mean boolean OR ("||")?',
  '~': ' Did you mean boolean NOT ("!")?',
  '^': '',
}

/** Reports tokens that occur nowhere in the language, each kind a few times at most. */
export function checkTokens(tokens: readonly Token[], diagnostics: Diagnostics): void {
  const told = new Map<string, number>()
  const times = (kind: string): number => {
    const n = told.get(kind) ?? 0
    told.set(kind, n + 1)
    return n
  }
  for (const { kind, text, range: subject } of tokens) {
    const invalid = (detail: string): void =>
      void diagnostics.push({ summary: 'Invalid character', detail, subject })
    if (kind in bitwise) {
      const detail = `Bitwise operators are not supported.${bitwise[kind]}`
      if (times('bitwise') < 4) diagnostics.push({ summary: 'Unsupported operator', detail, subject })
    } else if (kind === '`') {
      const detail =
        'The "`" character is not valid. To create a multi-line string, use the "heredoc" syntax, like "<<EOT".'
      if (Math.min(times(kind), 3) % 2 === 0) invalid(detail)
    } else if (kind === "'") {
      if (Math.min(times(kind), 3) % 2 === 0)
        invalid('Single quotes are not valid. Use double quotes (") to enclose strings.')
    } else if (kind === ';') {
      const detail =
        'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values.'
      if (times(kind) < 1) invalid(detail)
    } else if (kind === 'bad-utf8') {
      const detail =
        'All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected in your editor.'
      if (times(kind) < 1) diagnostics.push({ summary: 'Invalid character encoding', detail, subject })
    } else if (kind === 'quoted-newline') {
      const detail =
        'Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.'
      if (times(kind) < 100) diagnostics.push({ summary: 'Invalid multi-line string', detail, subject })
    } else if (kind === 'invalid' && times(kind) < 100) {
      if (text === '“' || text === '”') {
        invalid(
          '"Curly quotes" are not valid here. These can sometimes be inadvertently introduced when sharing code via documents or discussion forums. It might help to replace the character with a "straight quote".',
        )
      } else invalid('This character is not used within the language.')
    }
  }
}
