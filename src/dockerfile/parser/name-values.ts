import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import type { NameValue } from './node.ts'
import { splitBlanks } from './white-space.ts'
import { splitWords } from './words.ts'

/**
 * The pairs of ENV and LABEL: `name=value …`, or `name value` (the rest of the line) where the first word has no `=`.
 * Throws `invalid-argument`.
 */
export function parseNameValues(rest: string, keyword: string, escape: string): NameValue[] {
  const words = splitWords(rest, escape)
  const [first] = words
  if (first === undefined) return []
  if (!first.includes('=')) {
    const [name = '', value] = splitBlanks(rest, 2)
    if (value === undefined) throw new SlipwayError('invalid-argument', `${keyword} must have two arguments`)
    return [{ name, value, legacy: true }]
  }
  return words.map(word => {
    const at = word.indexOf('=')
    if (at < 0) {
      const message = `Syntax error - can't find = in ${quote(word)}. Must be of the form: name=value`
      throw new SlipwayError('invalid-argument', message)
    }
    return { name: word.slice(0, at), value: word.slice(at + 1), legacy: false }
  })
}
