import { SlipwayError } from '../../errors/slipway-error.ts'
import { replaceEach, replaceFirst, trimPrefix, trimSuffix } from './pattern.ts'
import type { Scanner } from './scanner.ts'

/** What reading `${…}` needs of the lexer. */
export interface Substitution {
  readonly scanner: Scanner
  readonly skipUnset: boolean
  /** Reads a variable name, perhaps an empty one. */
  name(): string
  /** The variable's value, noted as used. */
  value(name: string): string | undefined
  /** Reads a nested word up to `stop`; throws where it is missing. */
  until(stop: string, rawEscapes: boolean): string
}

/**
 * Reads what follows `${`, the closing brace included, and returns its value. Throws `invalid-argument`.
 * Forms: `${v}`, with `-`, `+`, `?` and their `:` variants, `#`, `##`, `%`, `%%`, `/` and `//`.
 */
export function substitute(scope: Substitution): string {
  const { scanner } = scope
  const first = scanner.peek()
  if (first === '') throw bad("syntax error: missing '}'")
  if (first === '{' || first === '}' || first === ':') throw bad('syntax error: bad substitution')
  const name = scope.name()
  const operator = scanner.next()
  switch (operator) {
    case '}':
      return scope.value(name) ?? (scope.skipUnset ? `\${${name}}` : '')
    case ':':
      return defaulted(scope, name, scanner.next() || '\ufffd', true)
    case '+':
    case '-':
    case '?':
      return defaulted(scope, name, operator, false)
    case '#':
    case '%':
      return trimmed(scope, name, operator)
    case '/':
      return replaced(scope, name)
    default:
      throw unsupported(operator || '\ufffd')
  }
}

function defaulted(scope: Substitution, name: string, operator: string, emptyIsUnset: boolean): string {
  const modifier = (emptyIsUnset ? ':' : '') + operator
  if (operator === '#' || operator === '%') throw unsupported(modifier)
  const word = nested(scope, '}', false, "syntax error: missing '}'")
  const value = scope.value(name)
  if (scope.skipUnset && value === undefined) return `\${${name}${modifier}${word}}`
  const isSet = value !== undefined && !(emptyIsUnset && value === '')
  switch (operator) {
    case '-':
      return isSet ? value : word
    case '+':
      return isSet ? word : ''
    case '?': {
      if (isSet) return value
      const what = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty'
      throw bad(`${name}: ${word === '' ? what : word}`)
    }
    default:
      throw unsupported(modifier)
  }
}

function trimmed(scope: Substitution, name: string, operator: '#' | '%'): string {
  const word = nested(scope, '}', true, "syntax error: missing '}'")
  const value = scope.value(name)
  if (scope.skipUnset && value === undefined) return `\${${name}${operator}${word}}`
  const greedy = word.startsWith(operator)
  const trim = operator === '%' ? trimSuffix : trimPrefix
  return trim(greedy ? word.slice(1) : word, value ?? '', greedy)
}

function replaced(scope: Substitution, name: string): string {
  const every = scope.scanner.skip('/')
  const pattern = nested(scope, '/', true, "syntax error: missing '/' in ${}")
  const replacement = nested(scope, '}', true, "syntax error: missing '}'")
  const value = scope.value(name)
  if (scope.skipUnset && value === undefined) return `\${${name}/${pattern}/${replacement}}`
  return (every ? replaceEach : replaceFirst)(pattern, value ?? '', replacement)
}

/** A nested word; running out of text is told as `atEnd`. */
function nested(scope: Substitution, stop: string, rawEscapes: boolean, atEnd: string): string {
  try {
    return scope.until(stop, rawEscapes)
  } catch (e) {
    if (scope.scanner.atEnd) throw bad(atEnd)
    throw e
  }
}

function unsupported(modifier: string): SlipwayError {
  return bad(`unsupported modifier (${modifier}) in substitution`)
}

function bad(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
