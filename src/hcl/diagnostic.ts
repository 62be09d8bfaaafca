import { SlipwayError } from '../errors/slipway-error.ts'
import type { SourceRange } from '../errors/source-range.ts'
import { formatRange, type Range } from './position.ts'

/** One problem in a configuration, worded as https://github.com/hashicorp/hcl/tree/v2.24.0 words it. */
export interface Diagnostic {
  /** The general problem, a few words without a full stop. */
  readonly summary: string
  /** What exactly is wrong and what to do, whole sentences. */
  readonly detail: string
  /** The construct that is wrong. */
  readonly subject?: Range
  /** A wider stretch that helps to understand the subject. */
  readonly context?: Range
}

/** A list that functions of this library add their findings to. */
export type Diagnostics = Diagnostic[]

/** A source file as given to the parser. */
export interface SourceFile {
  readonly name: string
  readonly data: Uint8Array
}

/** `range: Summary; Detail`, the one-line form of a diagnostic. */
export function formatDiagnostic(d: Diagnostic): string {
  return `${d.subject === undefined ? '<nil>' : formatRange(d.subject)}: ${d.summary}; ${d.detail}`
}

/** The first diagnostic in its one-line form, with the number of others. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const first = diagnostics[0]
  if (first === undefined) return 'no diagnostics'
  const others = diagnostics.length > 1 ? `, and ${diagnostics.length - 1} other diagnostic(s)` : ''
  return formatDiagnostic(first) + others
}

/** Thrown where diagnostics have to unwind the stack; `diagnostics` is never empty. */
export class DiagnosticsError extends Error {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(formatDiagnostics(diagnostics))
    this.diagnostics = diagnostics
  }
}

/** The diagnostics as the error a user sees (code `invalid-argument`), with the place in the file it came from. */
export function diagnosticsToError(
  diagnostics: readonly Diagnostic[],
  files: readonly SourceFile[],
): SlipwayError {
  const subject = diagnostics.find(d => d.subject !== undefined)?.subject
  const sources: SourceRange[] = []
  if (subject !== undefined) {
    const data = files.find(f => f.name === subject.filename)?.data ?? new Uint8Array()
    const point = (p: Range['start']): { line: number; character: number } => ({
      line: p.line,
      character: p.column - 1,
    })
    sources.push({
      filename: subject.filename,
      data,
      ranges: [{ start: point(subject.start), end: point(subject.end) }],
    })
  }
  return new SlipwayError('invalid-argument', formatDiagnostics(diagnostics), { sources })
}
