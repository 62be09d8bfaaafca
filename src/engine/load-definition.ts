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
  /** For a step that is kept to a proxy: what is fetched for a URL. Throws where that may not be. */
  readonly checkUrl?: ((url: string) => Promise<string>) | undefined
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
 * its inputs). `check` may refuse operations; `checkUrl` is for steps that are kept to a proxy. Throws `invalid-argument`. Undefined for the definition of nothing (`scratch`).
 */
export function loadDefinition(
  definition: Definition,
  check: (op: Op) => void,
  checkUrl?: VertexBody['checkUrl'],
): LoadedDefinition | undefined {
  const edge = loadEdge(definition, check, checkUrl)
  return edge === undefined ? undefined : { edge, sourcesOf: digest => sourcesOf(definition, digest) }
}

function loadEdge(
  definition: Definition,
  check: (op: Op) => void,
  checkUrl: VertexBody['checkUrl'],
): Edge | undefined {
  try {
    return new Loader(definition, check, checkUrl).load()
  } catch (e) {
    throw wrapError('failed to load LLB', e)
  }
}

class Loader {
  readonly #definition: Definition
  readonly #check: (op: Op) => void
  readonly #checkUrl: VertexBody['checkUrl']
  readonly #ops = new Map<string, Op>()
  readonly #vertices = new Map<string, Vertex>()

  constructor(definition: Definition, check: (op: Op) => void, checkUrl: VertexBody['checkUrl']) {
    this.#definition = definition
    this.#check = check
    this.#checkUrl = checkUrl
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
    return { vertex: this.#vertex(input.digest), index: checkIndex(input.index) }
  }

  /** Without recursion: a file of thousands of steps makes a graph of that depth. */
  #vertex(digest: string): Vertex {
    const path: { readonly digest: string; readonly op: Op; next: number }[] = []
    const enter = (wanted: string): void => {
      if (this.#vertices.has(wanted)) return
      if (path.length > maxDepth)
        throw new SlipwayError('invalid-argument', 'invalid LLB: the graph is too deep')
      path.push({ digest: wanted, op: this.#op(wanted), next: 0 })
    }
    enter(digest)
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const input = top.op.inputs[top.next++]
      if (input !== undefined) enter(input.digest)
      else {
        path.pop()
        this.#vertices.set(top.digest, this.#made(top.digest, top.op))
      }
    }
    return this.#known(digest)
  }

  #known(digest: string): Vertex {
    const vertex = this.#vertices.get(digest)
    if (vertex === undefined)
      throw new SlipwayError('invalid-argument', `invalid missing input digest ${digest}`)
    return vertex
  }

  #op(digest: string): Op {
    const op = this.#ops.get(digest)
    if (op === undefined) throw new SlipwayError('invalid-argument', `invalid missing input digest ${digest}`)
    if (op.op.case === undefined)
      throw new SlipwayError('invalid-argument', `invalid LLB: operation ${digest} does nothing`)
    this.#check(op)
    return op
  }

  /** The vertex of an operation whose inputs are there. */
  #made(digest: string, op: Op): Vertex {
    const inputs = op.inputs.map(input => ({
      vertex: this.#known(input.digest),
      index: checkIndex(input.index),
    }))
    const metadata = this.#definition.metadata[digest]
    const group = metadata?.progressGroup
    return {
      digest,
      name: metadata?.description['llb.customname'] ?? operationName(op, inputs),
      inputs,
      ignoreCache: metadata?.ignoreCache ?? false,
      body: { op, metadata, checkUrl: this.#checkUrl } satisfies VertexBody,
      ...(group === undefined
        ? {}
        : { progressGroup: { id: group.id, name: group.name, ...(group.weak ? { weak: true } : {}) } }),
    }
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
