import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Range } from '../../errors/source-range.ts'

/** The lines `start` to `end` (both counted from 1), a range each, as BuildKit marks an instruction. */
export function lineRanges(start: number, end: number): Range[] {
  const ranges: Range[] = []
  for (let line = start; line <= Math.max(start, end); line++) {
    ranges.push({ start: { line, character: 0 }, end: { line, character: 0 } })
  }
  return ranges
}

const detailType = 'slipway.dockerfile.Location'

/**
 * The same error with a stretch of the Dockerfile noted in its details; the entry that knows file name and text turns
 * the notes into `sources` (`locationsOf`). Like in BuildKit every caller may add one: the innermost comes first.
 */
export function locatedError(error: unknown, ranges: readonly Range[]): SlipwayError {
  return remade(error, inner => [...inner.details, { type: detailType, ranges }])
}

/** The same error with `ranges` as its only location. */
export function relocatedError(error: unknown, ranges: readonly Range[]): SlipwayError {
  return remade(error, inner => [
    ...inner.details.filter(d => d.type !== detailType),
    { type: detailType, ranges },
  ])
}

/** The locations noted by `locatedError`, innermost first. */
export function locationsOf(error: SlipwayError): readonly (readonly Range[])[] {
  return error.details.filter(d => d.type === detailType).map(d => d['ranges'] as readonly Range[])
}

function remade(error: unknown, details: (inner: SlipwayError) => SlipwayError['details']): SlipwayError {
  const inner = asSlipwayError(error)
  return new SlipwayError(inner.code, inner.message, {
    cause: inner.cause,
    sources: inner.sources,
    details: details(inner),
    ...(inner.hint === undefined ? {} : { hint: inner.hint }),
    ...(inner.exitCode === undefined ? {} : { exitCode: inner.exitCode }),
  })
}
