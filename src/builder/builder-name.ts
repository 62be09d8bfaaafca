import { SlipwayError } from '../errors/slipway-error.ts'

const pattern = /^[a-zA-Z][a-zA-Z0-9._-]*$/

/** Whether a text may name a builder or a node; what may not is never joined to a path. */
export function isBuilderName(name: string): boolean {
  return pattern.test(name)
}

/** The name as it is stored: in lower case. Throws `invalid-argument` in buildx's words. */
export function checkBuilderName(name: string): string {
  if (isBuilderName(name)) return name.toLowerCase()
  throw new SlipwayError(
    'invalid-argument',
    `invalid name ${name}, name needs to start with a letter and may not contain symbols, except ._-`,
  )
}
