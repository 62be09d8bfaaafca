/** A place in a YAML text: index in UTF-16 units; line and column from 0, columns in characters. */
export interface Mark {
  readonly index: number
  readonly line: number
  readonly column: number
}

/** What is wrong with a YAML text, in the words of the Go library that buildx reads compose files with. */
export class YamlError extends Error {}

/** An error that the scanner finds: lines count from 1. With `context`, what was being read, and from where. */
export function scanError(message: string, at: Mark, context?: string, from?: Mark): YamlError {
  const down = (mark: Mark): Mark => ({ ...mark, line: mark.line + 1 })
  return problem(message, down(at), context, from === undefined ? undefined : down(from))
}

/** An error that the parser finds. The Go library counts its lines from 0, and calls line 0 unknown. */
export function parseError(message: string, at: Mark, context?: string, from?: Mark): YamlError {
  return problem(message, at, context, from)
}

function problem(message: string, at: Mark, context: string | undefined, from: Mark | undefined): YamlError {
  if (context === undefined || from === undefined) return new YamlError(`${place(at)}: ${message}`)
  const same = at.index === from.index && at.line === from.line && at.column === from.column
  return new YamlError(`${context} at ${place(from)}: ${same ? '' : `${place(at)}: `}${message}`)
}

/** A place as messages have it, where lines have been counted already. */
export function place({ line, column }: Mark): string {
  if (line === 0) return '<unknown position>'
  return `line ${line}${column === 0 ? '' : `, column ${column + 1}`}`
}
