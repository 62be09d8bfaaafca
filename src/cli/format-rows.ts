import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { tabulate } from '../gostd/tabwriter.ts'
import { dockerFunctions, headerFunctions } from '../gostd/template/docker-functions.ts'
import { executeTemplate, type TemplateFunctions } from '../gostd/template/execute.ts'
import { parseTemplate } from '../gostd/template/parse.ts'

/** One row of a list: its fields as templates see them, and the row as JSON. */
export interface FormatRow {
  readonly fields: Readonly<Record<string, unknown>>
  readonly json: JsonValue
}

/** How a list is shown. */
export interface RowFormat {
  /** A Go template, `table` and a template, or `json`. */
  readonly format: string
  /** Titles of the columns of a table, by field. */
  readonly headers: Readonly<Record<string, string>>
  /** Name of the rows' Go type, for messages about fields that are not there. @default struct */
  readonly type?: string
}

/** Whether a format is that of a table. */
export const isTableFormat = (format: string): boolean => format.startsWith('table')

/**
 * Rows in the form `--format` asks for, each on a line of its own. Throws `invalid-argument` in docker's words.
 * Behaviour: https://github.com/docker/cli/blob/v29.1.3/cli/command/formatter/formatter.go
 */
export function formatRows(
  rows: readonly FormatRow[],
  { format, headers, type = 'struct' }: RowFormat,
): string {
  const isTable = isTableFormat(format)
  const text = (isTable ? format.slice('table'.length) : format === 'json' ? '{{json .}}' : format)
    .replaceAll(/^ +| +$/g, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
  const rowJson = new Map<unknown, JsonValue>()
  const functions: TemplateFunctions = {
    ...dockerFunctions,
    json: value =>
      rowJson.has(value) ? goJson(rowJson.get(value)) : (dockerFunctions['json']?.(value) as string),
  }
  const render = (value: unknown, using: TemplateFunctions): string => {
    try {
      return executeTemplate(parseTemplate(text, Object.keys(using)), value, using)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new SlipwayError('invalid-argument', `template parsing error: ${why}`, { cause })
    }
  }
  const lines = rows
    .map(row => {
      const fields = Object.defineProperty({ ...row.fields }, Symbol.toStringTag, { value: type })
      rowJson.set(fields, row.json)
      return `${render(fields, functions)}\n`
    })
    .join('')
  if (!isTable) return lines
  return tabulate(`${render(headers, headerFunctions)}\n${lines}`, { minWidth: 10, padding: 3 })
}
