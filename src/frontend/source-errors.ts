import { locationsOf } from '../dockerfile/parser/location.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { encodeDefinition } from '../llb/definition.ts'
import type { SourceFile } from '../llb/options.ts'

/** The error with the lines it notes shown in the Dockerfile. */
export function withSources(e: unknown, file: SourceFile): SlipwayError {
  const error = asSlipwayError(e)
  // A graph is written down when all of it is there: then no line is to blame.
  const locations = /^failed to marshal LLB /.test(error.message) ? [] : locationsOf(error)
  if (locations.length === 0) return error
  const { filename, data, language, definition } = file
  const from = definition === undefined ? {} : { definition: encodeDefinition(definition) }
  const sources = locations.map(ranges => ({ filename, data, language, ranges, ...from }))
  return new SlipwayError(error.code, error.message, {
    cause: error,
    details: error.details.filter(detail => !detail.type.startsWith('slipway.dockerfile.')),
    sources: [...error.sources, ...sources],
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.exitCode === undefined ? {} : { exitCode: error.exitCode }),
  })
}
