import type { LintWarning } from '../../dockerfile/linter/linter.ts'
import { locationsOf } from '../../dockerfile/parser/location.ts'
import type { SlipwayError } from '../../errors/slipway-error.ts'
import type { Range } from '../../errors/source-range.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import type { SourceFile } from '../../llb/options.ts'
import { sourceFileJson } from '../../proto/definition-json.ts'
import { locationJson } from './location-json.ts'
import { requests } from './request.ts'
import { sourceExcerpt } from './source-excerpt.ts'

/**
 * The facts that answer `frontend.lint`: warnings, and the mistake that stopped the conversion. The status code is 1
 * where there is any; Slipway's own rules do not count.
 */
export function lintFacts(
  warnings: readonly LintWarning[],
  error: SlipwayError | undefined,
  file: SourceFile,
): Record<string, string> {
  const json: JsonValue = {
    warnings: warnings.length === 0 ? null : warnings.map(warningJson),
    sources: [sourceFileJson(file)],
    buildError: error === undefined ? undefined : errorJson(error),
  }
  const byLine = warnings.toSorted((a, b) => firstLine(a) - firstLine(b))
  const isBad = error !== undefined || warnings.some(warning => !warning.advisory)
  return {
    'result.json': goJson(json, { indent: '  ' }),
    'result.txt': byLine.map(warning => warningText(warning, file)).join(''),
    'result.statuscode': isBad ? '1' : '0',
    version: requests.lint.version,
  }
}

function warningJson({ rule, description, url, message, ranges }: LintWarning): JsonValue {
  return {
    ruleName: rule,
    description: description || undefined,
    url: url || undefined,
    detail: message || undefined,
    location: locationJson(ranges),
  }
}

function errorJson(error: SlipwayError): JsonValue {
  return { message: error.message, location: locationJson(joined(locationsOf(error).flat())) }
}

/** Ranges by line, those that overlap made one. */
function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = []
  for (const range of ranges.toSorted((a, b) => a.start.line - b.start.line)) {
    const last = result.at(-1)
    if (last === undefined || range.start.line > last.end.line) result.push(range)
    else {
      const line = Math.max(last.end.line, range.end.line)
      result[result.length - 1] = { ...last, end: { ...last.end, line } }
    }
  }
  return result
}

function warningText(warning: LintWarning, file: SourceFile): string {
  const link = warning.url === '' ? '' : ` - ${warning.url}`
  return `\nWARNING: ${warning.rule}${link}\n${warning.message}\n${sourceExcerpt(file, warning.ranges)}`
}

function firstLine({ ranges }: LintWarning): number {
  return ranges[0]?.start.line ?? 0
}
