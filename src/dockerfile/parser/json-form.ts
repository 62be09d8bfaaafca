import { SlipwayError } from '../../errors/slipway-error.ts'
import { trimLeft } from './white-space.ts'

/**
 * The strings of a JSON array, or undefined where `rest` is no JSON array (then it is the shell form). An array that
 * holds anything but strings throws `invalid-argument`.
 */
export function parseJsonForm(rest: string): string[] | undefined {
  const text = trimLeft(rest)
  if (!text.startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const items = value as unknown[]
  if (items.some(item => item === Infinity || item === -Infinity)) return undefined
  return items.map(item => {
    if (typeof item !== 'string') {
      throw new SlipwayError(
        'invalid-argument',
        'when using JSON array syntax, arrays must be comprised of strings only',
      )
    }
    return item.toWellFormed()
  })
}
