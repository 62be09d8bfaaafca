import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'

const allowed = '[a-zA-Z0-9_-]+'
const pattern = /^[a-zA-Z0-9_-]+$/

/** Throws `invalid-argument` for a name that no target or group may have. */
export function checkTargetName(name: string): void {
  if (!pattern.test(name)) throw new SlipwayError('invalid-argument', `only ${quote(allowed)} are allowed`)
}

/** The name of a compose service as a target name: dots become underscores. */
export function sanitizeTargetName(name: string): string {
  return name.replaceAll('.', '_')
}
