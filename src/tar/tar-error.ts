import type { ErrorCode } from '../errors/codes.ts'
import { SlipwayError } from '../errors/slipway-error.ts'

/** A broken archive, in the words of Go's archive/tar. Code `data-loss`, but where what is read is not broken. */
export function tarError(what: string, code: ErrorCode = 'data-loss'): SlipwayError {
  return new SlipwayError(code, `archive/tar: ${what}`)
}
