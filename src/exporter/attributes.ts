import { asSlipwayError, wrapError } from '../errors/slipway-error.ts'
import { parseBool, parseInt64 } from '../gostd/parse-number.ts'

/** Options of an output as they come over the wire. */
export type Attributes = Readonly<Record<string, string>>

/**
 * A boolean option; an empty value is true. Throws `invalid-argument` naming the key; `context` are the words in front,
 * `non-bool value specified for KEY` if absent.
 */
export function readBool(attrs: Attributes, key: string, fallback: boolean, context?: string): boolean {
  return attrs[key] === '' ? true : readStrictBool(attrs, key, fallback, context)
}

/** As `readBool`, but an empty value is as wrong as any other. */
export function readStrictBool(attrs: Attributes, key: string, fallback: boolean, context?: string): boolean {
  const text = attrs[key]
  if (text === undefined) return fallback
  try {
    return parseBool(text)
  } catch (e) {
    throw wrapError(context ?? `non-bool value specified for ${key}`, e)
  }
}

/** A whole number; undefined where the option is absent. */
export function readInteger(attrs: Attributes, key: string): number | undefined {
  const text = attrs[key]
  if (text === undefined) return undefined
  try {
    return Number(parseInt64(text, { base: 10 }))
  } catch (e) {
    throw wrapError(`non-integer value ${text} specified for ${key}`, e)
  }
}

/** What an output says of times: seconds since 1970, or that what the build says does not count. */
export type EpochOption = number | 'none'

/** `source-date-epoch`; an empty one sets the build's aside. Undefined where the output says nothing. */
export function readEpoch(attrs: Attributes): EpochOption | undefined {
  const text = attrs['source-date-epoch']
  if (text === undefined) return undefined
  if (text === '') return 'none'
  try {
    return Number(parseInt64(text, { base: 10 }))
  } catch (e) {
    // BuildKit says the reason twice.
    throw wrapError(`invalid source-date-epoch: ${asSlipwayError(e).message}`, e)
  }
}

/** The time that counts: the output's, else the build's. Seconds since 1970; undefined where there is none. */
export function chooseEpoch(
  option: EpochOption | undefined,
  ofBuild: number | undefined,
): number | undefined {
  return option === 'none' ? undefined : (option ?? ofBuild)
}
