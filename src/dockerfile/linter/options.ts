import { wrapError } from '../../errors/slipway-error.ts'
import { parseBool } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import { invalid } from '../instructions/argument-error.ts'
import { trimSpace } from '../parser/white-space.ts'

/** Which rules run, and whether a warning fails the build. */
export interface LintOptions {
  readonly skip: readonly string[]
  readonly skipAll: boolean
  readonly experimental: readonly string[]
  readonly experimentalAll: boolean
  readonly failOnWarning: boolean
}

/** Everything but experimental rules, and warnings stay warnings. */
export const defaultLintOptions: LintOptions = {
  skip: [],
  skipAll: false,
  experimental: [],
  experimentalAll: false,
  failOnWarning: false,
}

/** Reads the value of `# check=` (`skip=A,B;error=true;experimental=all`). Throws `invalid-argument`. */
export function parseLintOptions(text: string): LintOptions {
  const trimmed = trimSpace(text)
  if (trimmed === '') return defaultLintOptions
  let options = defaultLintOptions
  for (const part of splitLimited(trimmed, ';', 3)) {
    const at = part.indexOf('=')
    if (at < 0) throw invalid(`invalid check option ${quote(part)}`)
    const key = trimSpace(part.slice(0, at))
    const value = trimSpace(part.slice(at + 1))
    if (key === 'skip') {
      options = value === 'all' ? { ...options, skipAll: true } : { ...options, skip: names(value) }
    } else if (key === 'experimental') {
      options =
        value === 'all' ? { ...options, experimentalAll: true } : { ...options, experimental: names(value) }
    } else if (key === 'error') options = { ...options, failOnWarning: readFlag(value, part) }
    else throw invalid(`invalid check option ${quote(key)}`)
  }
  return options
}

function names(value: string): string[] {
  return value.split(',').map(trimSpace)
}

function readFlag(value: string, part: string): boolean {
  try {
    return parseBool(value)
  } catch (error) {
    throw wrapError(`failed to parse check option ${quote(part)}`, error)
  }
}

function splitLimited(text: string, separator: string, limit: number): string[] {
  const parts = text.split(separator)
  return parts.length <= limit
    ? parts
    : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]
}
