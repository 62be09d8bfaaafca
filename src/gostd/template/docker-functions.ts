import { SlipwayError } from '../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../json.ts'
import { goString, typeName } from '../sprintf.ts'
import type { TemplateFunctions } from './execute.ts'

/**
 * The functions that docker's `--format` adds: json, split, join, title, lower, upper, pad, truncate.
 * https://github.com/docker/cli/blob/v29.1.3/templates/templates.go
 */
export const dockerFunctions: TemplateFunctions = {
  json: value => goJson(value as JsonValue, { escapeHtml: false }),
  split: (text, separator) => goString(text).split(goString(separator)),
  join: (elements, separator) => {
    if (elements === null || elements === undefined) return ''
    if (Array.isArray(elements)) return elements.map(goString).join(goString(separator))
    if (elements instanceof Map)
      return [...elements.values()].map(goString).toSorted().join(goString(separator))
    throw new SlipwayError('invalid-argument', `expected slice, got ${typeName(elements)}`)
  },
  title: text => goString(text).replace(/(?<![\p{L}\p{N}_])\p{L}/gu, letter => letter.toUpperCase()),
  lower: text => goString(text).toLowerCase(),
  upper: text => goString(text).toUpperCase(),
  pad: (text, before, after) => {
    const source = goString(text)
    return source === '' ? '' : ' '.repeat(Number(before)) + source + ' '.repeat(Number(after))
  },
  truncate: (text, length) => Buffer.from(goString(text)).subarray(0, Number(length)).toString(),
}

/** The same names for the header row of a table: titles stay as they are, only `pad` still pads. */
export const headerFunctions: TemplateFunctions = {
  ...dockerFunctions,
  ...Object.fromEntries(
    ['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate'].map(name => [
      name,
      (text: unknown) => text,
    ]),
  ),
}
