import { wrapError } from '../errors/slipway-error.ts'
import { parseBool } from '../gostd/parse-number.ts'

/** A variable that is true or false; one that is not set is false. Throws `invalid-argument` in buildx's words. */
export function envSwitch(env: Readonly<Record<string, string | undefined>>, name: string): boolean {
  const text = env[name]
  if (text === undefined) return false
  try {
    return parseBool(text)
  } catch (e) {
    throw wrapError(`invalid ${name}`, e)
  }
}
