import { SlipwayError } from '../../errors/slipway-error.ts'

/** A mistake in a Dockerfile. */
export function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}

/** The instruction has no argument. */
export function atLeastOne(keyword: string): SlipwayError {
  return invalid(`${keyword} requires at least one argument`)
}

/** The instruction has none, or more than one. */
export function exactlyOne(keyword: string): SlipwayError {
  return invalid(`${keyword} requires exactly one argument`)
}

/** COPY or ADD without a destination. */
export function noDestination(keyword: string): SlipwayError {
  return invalid(
    `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
  )
}

/** `=value` without a name. */
export function blankName(keyword: string): SlipwayError {
  return invalid(`${keyword} names can not be blank`)
}
