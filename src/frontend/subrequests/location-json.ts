import type { Range } from '../../errors/source-range.ts'
import type { JsonValue } from '../../gostd/json.ts'

/** Lines in the form of Go's JSON of pb.Location: zeros are left out. */
export function locationJson(ranges: readonly Range[], sourceIndex = 0): JsonValue {
  return {
    sourceIndex: sourceIndex === 0 ? undefined : sourceIndex,
    ranges:
      ranges.length === 0
        ? undefined
        : ranges.map(({ start, end }) => ({ start: position(start), end: position(end) })),
  }
}

function position({ line, character }: Range['start']): JsonValue {
  return { line: line === 0 ? undefined : line, character: character === 0 ? undefined : character }
}
