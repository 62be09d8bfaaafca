import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Place } from './node.ts'

/** An error of parsing: `template: NAME:LINE: message`. */
export function templateError(name: string, place: Place, message: string): SlipwayError {
  return new SlipwayError('invalid-argument', `template: ${name}:${place.line}: ${message}`)
}

/** An error of execution: `template: NAME:LINE:COLUMN: executing "NAME" at <SOURCE>: message`. */
export function executionError(
  name: string,
  at: Place & { readonly source: string },
  message: string,
  cause?: unknown,
): SlipwayError {
  return new SlipwayError(
    'invalid-argument',
    `template: ${name}:${at.line}:${at.column}: executing ${JSON.stringify(name)} at <${at.source}>: ${message}`,
    cause === undefined ? {} : { cause },
  )
}
