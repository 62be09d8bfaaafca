import { SlipwayError } from '../errors/slipway-error.ts'

/** A broken archive, in the words of Go's archive/tar. Code `data-loss`. */
export function tarError(what: string): SlipwayError {
  return new SlipwayError('data-loss', `archive/tar: ${what}`)
}
