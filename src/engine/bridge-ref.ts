import { randomBytes } from 'node:crypto'
import type { Capture } from '../attest/capture.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { CacheKey } from '../solver/cache-key.ts'
import { memo } from '../solver/memo.ts'
import type { Job, VisitedVertex } from '../solver/solver.ts'
import { refOf } from '../ops/ref-result.ts'
import type { Definition, Op } from '../proto/gen/ops_pb.ts'
import { type Ref, scratch } from '../snapshot/ref.ts'
import type { Edge } from '../solver/vertex.ts'
import { type LoadedDefinition, loadDefinition, type VertexBody } from './load-definition.ts'

/** A tree that a definition describes, made when somebody looks at it. */
export interface BridgeRef {
  readonly id: string
  readonly definition: Definition
  /** Makes the tree. Failures carry the places in the user's files that the step comes from. */
  result(): Promise<Ref>
  /** What the tree is known by in caches; empty until it was made. */
  keys(): readonly CacheKey[]
  /** What went into the tree; undefined until it was made. */
  readonly captured: Capture | undefined
  /** The steps of the tree, which must have been made. */
  steps(): Iterable<VisitedVertex>
}

/** A statement about a result, or a directory of them, as a frontend answers it. */
export interface BridgeAttestation {
  readonly kind: 'in-toto' | 'bundle'
  readonly ref: BridgeRef | undefined
  readonly path: string
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly predicateType: string
  /** What the statement is about; empty: the result itself. `digests` as `sha256:…`. */
  readonly subjects: readonly {
    readonly kind: 'self' | 'raw'
    readonly name: string
    readonly digests: readonly string[]
  }[]
}

/** What a frontend answers: one tree or one for each platform, and facts about them. */
export interface BridgeResult {
  readonly ref?: BridgeRef
  /** A platform may have the empty tree. */
  readonly refs: ReadonlyMap<string, BridgeRef | undefined>
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** By platform. */
  readonly attestations: ReadonlyMap<string, readonly BridgeAttestation[]>
}

/** A result of one tree, or of none. */
export function resultOf(ref: BridgeRef | undefined): BridgeResult {
  return {
    refs: new Map(),
    metadata: new Map(),
    attestations: new Map(),
    ...(ref === undefined ? {} : { ref }),
  }
}

/** The trees of a result: the main one, those of its platforms, and those of its attestations, each once. */
export function refsOf(result: BridgeResult): readonly BridgeRef[] {
  const attached = [...result.attestations.values()].flat().map(one => one.ref)
  return [...new Set([result.ref, ...result.refs.values(), ...attached].filter(ref => ref !== undefined))]
}

/**
 * A ref of a job; undefined for the definition of nothing. `check` may refuse operations; `prepare` is waited for before
 * anything of it is run; `checkUrl` is asked by steps that are kept to a proxy.
 */
export function createBridgeRef(
  definition: Definition,
  job: Job,
  signal: AbortSignal,
  check: (op: Op) => void,
  prepare: (definition: Definition) => Promise<void>,
  capture: (edge: Edge) => Capture,
  checkUrl?: VertexBody['checkUrl'],
): BridgeRef | undefined {
  const loaded = loadDefinition(definition, check, checkUrl)
  if (loaded === undefined) return undefined
  let captured: Capture | undefined
  return {
    id: randomBytes(12).toString('hex'),
    definition,
    keys: () => job.keys(loaded.edge),
    get captured() {
      return captured
    },
    steps: () => job.walk(loaded.edge),
    result: memo(async () => {
      try {
        await prepare(definition)
        const made = refOf(await job.build(loaded.edge, signal))
        captured = capture(loaded.edge)
        return made
      } catch (e) {
        throw withSources(e, loaded)
      }
    }),
  }
}

function withSources(e: unknown, loaded: LoadedDefinition): SlipwayError {
  const error = asSlipwayError(e)
  if (error.sources.length > 0) return error
  const vertex = error.details.find(detail => detail.type === 'errdefs.Vertex')
  const digest = vertex?.['digest']
  const sources = typeof digest === 'string' ? loaded.sourcesOf(digest) : []
  if (sources.length === 0) return error
  const { hint, exitCode } = error
  return new SlipwayError(error.code, error.message, {
    cause: error,
    details: error.details,
    sources,
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  })
}

/** The tree of a ref that may be none. */
export async function treeOf(ref: BridgeRef | undefined): Promise<Ref> {
  return ref === undefined ? scratch : ref.result()
}
