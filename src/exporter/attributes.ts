import { SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'

/** Options of an output as they come over the wire. */
export type Attributes = Readonly<Record<string, string>>

/** A boolean option; an empty value is true. Throws `invalid-argument` naming the key. */
export function readBool(attrs: Attributes, key: string, fallback: boolean): boolean {
  const text = attrs[key]
  if (text === undefined) return fallback
  if (text === '') return true
  const value = tryParseBool(text)
  if (value === undefined) throw new SlipwayError('invalid-argument', `non-bool value specified for ${key}`)
  return value
}

/** A whole number; undefined where the option is absent. */
export function readInteger(attrs: Attributes, key: string): number | undefined {
  const text = attrs[key]
  if (text === undefined) return undefined
  if (!/^-?\d+$/.test(text))
    throw new SlipwayError('invalid-argument', `non-integer value ${text} specified for ${key}`)
  return Number(text)
}

/** Seconds since 1970 of `source-date-epoch`, or undefined. */
export function readEpoch(attrs: Attributes): number | undefined {
  const text = attrs['source-date-epoch']
  if (text === undefined || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw new SlipwayError('invalid-argument', `invalid SOURCE_DATE_EPOCH: ${text}`)
  return Number(text)
}
