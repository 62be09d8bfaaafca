import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { Definition, Op, OpMetadata } from '../proto/gen/ops_pb.ts'
import { decodeOp } from './head.ts'
import type { Input } from './input-list.ts'
import type { SourceFile, SourceLocation } from './options.ts'
import { type State, stateOf } from './state.ts'
import { outputOf } from './vertex.ts'

/** The parts of a definition, to be taken over into another one. */
export interface ImportedParts {
  /** Without the terminal op. */
  readonly ops: ReadonlyMap<string, Uint8Array>
  readonly metadata: ReadonlyMap<string, OpMetadata>
  readonly locations: ReadonlyMap<string, readonly SourceLocation[]>
  /** What the terminal op points at; an empty digest where the definition is empty. */
  readonly root: Input
}

/** The state that a definition describes. Its platform is that of the root op. Throws `invalid-argument`. */
export function definitionState(definition: Definition): State {
  const parts = importDefinition(definition)
  if (parts.root.digest === '') return stateOf(undefined)
  const bytes = parts.ops.get(parts.root.digest)
  if (bytes === undefined) throw invalid(`invalid definition op with unknown op ${parts.root.digest}`)
  return stateOf(outputOf({ kind: 'imported', definition }), platformOf(decodeOp(bytes)))
}

/** Takes a definition apart. Throws `invalid-argument` where it is broken. */
export function importDefinition(definition: Definition): ImportedParts {
  const last = definition.def.at(-1)
  if (last === undefined) return { ops: new Map(), metadata: new Map(), locations: new Map(), root: empty }
  const terminal = decodeOp(last).inputs[0]
  if (terminal === undefined)
    return { ops: new Map(), metadata: new Map(), locations: new Map(), root: empty }
  const ops = new Map(definition.def.slice(0, -1).map(bytes => [digestOf(bytes) as string, bytes]))
  const metadata = Object.entries(definition.metadata).filter(([digest]) => ops.has(digest))
  return { ops, metadata: new Map(metadata), locations: readLocations(definition, ops), root: terminal }
}

const empty: Input = { digest: '', index: 0n }

function readLocations(
  definition: Definition,
  ops: ReadonlyMap<string, unknown>,
): Map<string, SourceLocation[]> {
  const source = definition.Source
  const files: SourceFile[] = source?.infos ?? []
  const result = new Map<string, SourceLocation[]>()
  for (const [digest, { locations }] of Object.entries(source?.locations ?? {})) {
    if (!ops.has(digest)) continue
    const list = locations.map(({ sourceIndex, ranges }) => {
      const file = files[sourceIndex]
      if (file === undefined) throw invalid(`failed to find source map with index ${sourceIndex}`)
      const plain = ranges.map(({ start, end }) => ({ start: position(start), end: position(end) }))
      return { file, ranges: plain }
    })
    result.set(digest, list)
  }
  return result
}

function position(at: { line: number; character: number } | undefined) {
  return { line: at?.line ?? 0, character: at?.character ?? 0 }
}

/** The platform of an op, where it has one. */
export function platformOf(op: Op): Platform | undefined {
  const { platform } = op
  if (platform === undefined) return undefined
  const {
    OS: os,
    Architecture: architecture,
    Variant: variant,
    OSVersion: version,
    OSFeatures: features,
  } = platform
  return {
    os,
    architecture,
    ...(variant === '' ? {} : { variant }),
    ...(version === '' ? {} : { 'os.version': version }),
    ...(features.length === 0 ? {} : { 'os.features': features }),
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
