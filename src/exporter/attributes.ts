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

/** What an output says of times: seconds since 1970, or that what the build says does not count. */
export type EpochOption = number | 'none'

/** `source-date-epoch`; an empty one sets the build's aside. Undefined where the output says nothing. */
export function readEpoch(attrs: Attributes): EpochOption | undefined {
  const text = attrs['source-date-epoch']
  if (text === undefined) return undefined
  if (text === '') return 'none'
  if (!/^-?\d+$/.test(text)) throw new SlipwayError('invalid-argument', `invalid SOURCE_DATE_EPOCH: ${text}`)
  return Number(text)
}

/** The time that counts: the output's, else the build's. Seconds since 1970; undefined where there is none. */
export function chooseEpoch(
  option: EpochOption | undefined,
  ofBuild: number | undefined,
): number | undefined {
  return option === 'none' ? undefined : (option ?? ofBuild)
}
