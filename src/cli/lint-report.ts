import { SlipwayError } from '../errors/slipway-error.ts'
import type { SourceRange } from '../errors/source-range.ts'
import { type JsonObject, parseJson } from '../oci/json-reader.ts'
import { sourceExcerpt } from '../progress/source-excerpt.ts'

/** What a check of a Dockerfile answered, for people. */
export interface LintReport {
  readonly text: string
  /** Why the file cannot be built at all; thrown once the text is printed. */
  readonly error?: SlipwayError
}

/**
 * The answer to `frontend.lint` as text: how many warnings there are, each with its place, `name` standing for the file.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/commands/build.go (printResult) and
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/subrequests/lint/lint.go
 */
export function lintReport(json: Uint8Array, name: string): LintReport {
  const answer = objectOf(parseJson(json, 'result.json'))
  const sources = listOf(answer['sources']).map(source => readSource(source, name))
  const warnings = listOf(answer['warnings']).map(warning => readWarning(warning, sources))
  const sorted = warnings.toSorted((a, b) => a.line - b.line)
  const count = warnings.length
  const texts = sorted.map(({ text }) => text)
  if (count > 0) {
    texts.unshift(`Check complete, ${count === 1 ? '1 warning has' : `${count} warnings have`} been found!\n`)
  }
  const broken = answer['buildError']
  if (broken === undefined || broken === null) {
    if (count === 0) texts.push('Check complete, no warnings found.\n')
    return { text: texts.join('') }
  }
  if (count > 0) texts.push('\n')
  const { message, location } = objectOf(broken)
  const excerpt = excerptOf(location, sources)
  return { text: texts.join(''), error: new SlipwayError('unknown', `${textOf(message)}\n${excerpt}`) }
}

interface Warning {
  readonly line: number
  readonly text: string
}

function readWarning(value: unknown, sources: readonly SourceRange[]): Warning {
  const { ruleName, url, detail, location } = objectOf(value)
  const link = textOf(url) === '' ? '' : ` - ${textOf(url)}`
  return {
    line: rangesOf(location)[0]?.start.line ?? 0,
    text: `\nWARNING: ${textOf(ruleName)}${link}\n${textOf(detail)}\n${excerptOf(location, sources)}`,
  }
}

function readSource(value: unknown, name: string): SourceRange {
  const { filename, data, language } = objectOf(value)
  return {
    filename: name === '' ? textOf(filename) : name,
    language: textOf(language),
    data: Buffer.from(textOf(data), 'base64'),
    ranges: [],
  }
}

function excerptOf(location: unknown, sources: readonly SourceRange[]): string {
  const index = Number(objectOf(location)['sourceIndex'] ?? 0)
  const source = sources[index]
  return source === undefined ? '' : sourceExcerpt({ ...source, ranges: rangesOf(location) })
}

function rangesOf(location: unknown): SourceRange['ranges'] {
  const place = (value: unknown): { line: number; character: number } => {
    const { line, character } = objectOf(value)
    return { line: Number(line ?? 0), character: Number(character ?? 0) }
  }
  return listOf(objectOf(location)['ranges']).map(range => {
    const { start, end } = objectOf(range)
    return { start: place(start), end: place(end) }
  })
}

const objectOf = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null ? (value as JsonObject) : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
