import { SlipwayError } from '../../errors/slipway-error.ts'
import { type Cast, castFor } from './type-cast.ts'
import type { YamlValue } from './yaml-value.ts'

/** Finds the value of a variable. */
export interface Lookup {
  (name: string): string | undefined
  /** Told of a variable that has no value where nothing is said for that case. */
  readonly missing?: (name: string) => void
  /** Takes what else the user is to be warned of. */
  readonly warn?: (line: string) => void
}

/** Thrown by `substitute` for a text that is no valid template. */
export class InvalidTemplate extends Error {}

const name = /[A-Za-z_][A-Za-z0-9_]*/y
const operators = [':?', '?', ':-', '-', ':+', '+'] as const
const maxDepth = 100

/**
 * `text` with `$NAME`, `${NAME}`, `${NAME:-default}` and the like replaced, `$$` for a dollar sign.
 * Source: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md.
 */
export function substitute(text: string, lookup: Lookup, depth = 0): string {
  if (depth > maxDepth) throw new InvalidTemplate(text)
  let out = ''
  for (let at = 0; at < text.length; ) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) return out + text.slice(at)
    out += text.slice(at, dollar)
    const next = text[dollar + 1]
    if (next === '$') {
      out += '$'
      at = dollar + 2
    } else if (next === '{') {
      const end = closingBrace(text, dollar + 1)
      if (end < 0) throw new InvalidTemplate(text)
      out += braced(text.slice(dollar + 2, end), lookup, depth, text)
      at = end + 1
    } else {
      name.lastIndex = dollar + 1
      const word = name.exec(text)?.[0]
      // A dollar sign before anything else is itself.
      if (word === undefined) out += '$'
      else out += valueOf(word, lookup)
      at = dollar + 1 + (word?.length ?? 0)
    }
  }
  return out
}

function valueOf(variable: string, lookup: Lookup): string {
  const value = lookup(variable)
  if (value === undefined) lookup.missing?.(variable)
  return value ?? ''
}

function closingBrace(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{' && (i === open || text[i - 1] === '$')) depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  return -1
}

function braced(content: string, lookup: Lookup, depth: number, whole: string): string {
  name.lastIndex = 0
  const word = name.exec(content)?.[0]
  if (word === undefined) throw new InvalidTemplate(whole)
  const rest = content.slice(word.length)
  const value = lookup(word)
  if (rest === '') return valueOf(word, lookup)
  const operator = operators.find(o => rest.startsWith(o))
  if (operator === undefined) throw new InvalidTemplate(whole)
  const argument = rest.slice(operator.length)
  const given = value !== undefined && !(operator.startsWith(':') && value === '')
  switch (operator) {
    case ':-':
    case '-':
      return given ? (value ?? '') : substitute(argument, lookup, depth + 1)
    case ':+':
    case '+':
      return given ? substitute(argument, lookup, depth + 1) : (value ?? '')
    default: {
      if (given) return value ?? ''
      const reason = substitute(argument, lookup, depth + 1)
      throw new SlipwayError(
        'invalid-argument',
        `required variable ${word} is missing a value${reason === '' ? '' : `: ${reason}`}`,
      )
    }
  }
}

/** The document with variables replaced in every text; keys stay. Throws `invalid-argument` with the paths that fail. */
export function interpolate(value: YamlValue, lookup: Lookup): YamlValue {
  const problems: { readonly path: string; readonly message: string }[] = []
  const result = walk(value, [], lookup, problems)
  if (problems.length > 0) {
    const lines = problems.sort((a, b) => (a.path < b.path ? -1 : 1)).map(p => p.message)
    throw new SlipwayError('invalid-argument', lines.join('\n'))
  }
  return result
}

function converted(text: string, cast: Cast, warn: Lookup['warn']): YamlValue {
  try {
    return cast(text, warn)
  } catch (e) {
    throw new Error(`failed to cast to expected type: ${e instanceof Error ? e.message : String(e)}`, {
      cause: e,
    })
  }
}

function walk(
  value: YamlValue,
  path: readonly string[],
  lookup: Lookup,
  problems: { path: string; message: string }[],
): YamlValue {
  if (typeof value === 'string') {
    try {
      const text = substitute(value, lookup)
      const cast = castFor(path)
      return cast === undefined ? text : converted(text, cast, lookup.warn)
    } catch (e) {
      const at = path.join('.')
      const message =
        e instanceof InvalidTemplate
          ? `invalid interpolation format for ${at}.\nYou may need to escape any $ with another $.\n${value}`
          : `error while interpolating ${at}: ${e instanceof Error ? e.message : String(e)}`
      problems.push({ path: at, message })
      return value
    }
  }
  if (Array.isArray(value)) return value.map(v => walk(v, [...path, '[]'], lookup, problems))
  if (value instanceof Map)
    return new Map([...value].map(([k, v]) => [k, walk(v, [...path, k], lookup, problems)]))
  return value
}
