import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { SourceRange } from '../errors/source-range.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, type Op, type OpMetadata, OpSchema } from '../proto/gen/ops_pb.ts'
import type { Edge, Vertex } from '../solver/vertex.ts'
import { operationName } from './operation-name.ts'

/** What a vertex of the engine carries. */
export interface VertexBody {
  readonly op: Op
  readonly metadata: OpMetadata | undefined
}

/** A definition as a graph, and where in the user's files its steps come from. */
export interface LoadedDefinition {
  readonly edge: Edge
  /** Places of the step with this digest. */
  readonly sourcesOf: (digest: string) => readonly SourceRange[]
}

/** Deeper graphs than this are refused: no file makes them. */
const maxDepth = 10_000

/**
 * Reads LLB that nobody vouches for: every digest is checked, every input must exist, cycles cannot (an op's digest covers
 * its inputs). `check` may refuse operations. Throws `invalid-argument`. Undefined for the definition of nothing (`scratch`).
 */
export function loadDefinition(
  definition: Definition,
  check: (op: Op) => void,
): LoadedDefinition | undefined {
  const edge = loadEdge(definition, check)
  return edge === undefined ? undefined : { edge, sourcesOf: digest => sourcesOf(definition, digest) }
}

function loadEdge(definition: Definition, check: (op: Op) => void): Edge | undefined {
  try {
    return new Loader(definition, check).load()
  } catch (e) {
    throw wrapError('failed to load LLB', e)
  }
}

class Loader {
  readonly #definition: Definition
  readonly #check: (op: Op) => void
  readonly #ops = new Map<string, Op>()
  readonly #vertices = new Map<string, Vertex>()

  constructor(definition: Definition, check: (op: Op) => void) {
    this.#definition = definition
    this.#check = check
  }

  load(): Edge | undefined {
    const { def } = this.#definition
    let last: Op | undefined
    for (const bytes of def) {
      last = parseOp(bytes)
      this.#ops.set(digestOf(bytes), last)
    }
    if (last === undefined) return undefined
    const [input] = last.inputs
    if (last.op.case !== undefined || last.inputs.length !== 1 || input === undefined) {
      throw new SlipwayError(
        'invalid-argument',
        'invalid LLB: the last operation must have one input and do nothing',
      )
    }
    return { vertex: this.#vertex(input.digest, 0), index: checkIndex(input.index) }
  }

  #vertex(digest: string, depth: number): Vertex {
    const known = this.#vertices.get(digest)
    if (known) return known
    if (depth > maxDepth) throw new SlipwayError('invalid-argument', 'invalid LLB: the graph is too deep')
    const op = this.#ops.get(digest)
    if (op === undefined) throw new SlipwayError('invalid-argument', `invalid missing input digest ${digest}`)
    if (op.op.case === undefined)
      throw new SlipwayError('invalid-argument', `invalid LLB: operation ${digest} does nothing`)
    this.#check(op)
    const inputs = op.inputs.map(input => ({
      vertex: this.#vertex(input.digest, depth + 1),
      index: checkIndex(input.index),
    }))
    const metadata = this.#definition.metadata[digest]
    const group = metadata?.progressGroup
    const vertex: Vertex = {
      digest,
      name: metadata?.description['llb.customname'] ?? operationName(op, inputs),
      inputs,
      ignoreCache: metadata?.ignoreCache ?? false,
      body: { op, metadata } satisfies VertexBody,
      ...(group === undefined
        ? {}
        : { progressGroup: { id: group.id, name: group.name, ...(group.weak ? { weak: true } : {}) } }),
    }
    this.#vertices.set(digest, vertex)
    return vertex
  }
}

function parseOp(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes)
  } catch (e) {
    throw new SlipwayError('invalid-argument', 'failed to parse llb proto op', { cause: e })
  }
}

function checkIndex(index: bigint): number {
  if (index < 0n || index > 1000n)
    throw new SlipwayError('invalid-argument', `invalid LLB: input index ${index}`)
  return Number(index)
}

/** The place that was given last comes first, as in BuildKit's errors. */
function sourcesOf(definition: Definition, digest: string): readonly SourceRange[] {
  const source = definition.Source
  const locations = source?.locations[digest]?.locations ?? []
  return locations.toReversed().flatMap(location => {
    const info = source?.infos[location.sourceIndex]
    if (info === undefined) return []
    const ranges = location.ranges.map(range => ({
      start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
      end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
    }))
    const from =
      info.definition === undefined ? {} : { definition: toBinary(DefinitionSchema, info.definition) }
    return [{ filename: info.filename, data: info.data, language: info.language, ranges, ...from }]
  })
}
