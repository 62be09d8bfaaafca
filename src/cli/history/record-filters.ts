import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'

/** One field of a comma-separated list, in quotes where it needs them. */
const csvField = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/**
 * `--filter` values as one expression of the daemon: `ref`, `repository`, `status` with `=` and `!=`; `startedAt`,
 * `completedAt`, `duration` with `<`, `<=`, `>`, `>=`. All must match. Throws `invalid-argument`. Source:
 * https://github.com/docker/buildx/blob/v0.36.1/commands/history/utils.go
 */
export function historyFilters(values: readonly string[]): readonly string[] {
  if (values.length === 0) return []
  return [values.map(value => csvField(oneFilter(value))).join(',')]
}

function oneFilter(text: string): string {
  const match = /^(.*?)(!=|<=|>=|=|<|>)(.*)$/s.exec(text)
  if (match === null) throw new SlipwayError('invalid-argument', `invalid filter ${quote(text)}`)
  const [, key = '', operator = '', value = ''] = match
  switch (key) {
    case 'ref':
    case 'repository':
    case 'status': {
      if (operator !== '=' && operator !== '!=') throw separator(text, '= or !=')
      if (operator === '!=') return `${key}!=${value}`
      return key === 'status' ? `status==${value}` : `${key}~=${value}`
    }
    case 'startedAt':
    case 'completedAt':
    case 'duration':
      if (operator === '=' || operator === '!=') throw separator(text, '<=, <, >= or >')
      return text
    default:
      throw new SlipwayError('invalid-argument', `unsupported filter ${quote(text)}`)
  }
}

const separator = (text: string, expected: string): SlipwayError =>
  new SlipwayError('invalid-argument', `invalid separator for ${quote(text)}, expected ${expected}`)
