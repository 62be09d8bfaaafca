import { randomBytes } from 'node:crypto'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { memo } from '../solver/memo.ts'
import type { Job } from '../solver/solver.ts'
import { refOf } from '../ops/ref-result.ts'
import type { Definition, Op } from '../proto/gen/ops_pb.ts'
import { type Ref, scratch } from '../snapshot/ref.ts'
import { type LoadedDefinition, loadDefinition } from './load-definition.ts'

/** A tree that a definition describes, made when somebody looks at it. */
export interface BridgeRef {
  readonly id: string
  readonly definition: Definition
  /** Makes the tree. Failures carry the places in the user's files that the step comes from. */
  result(): Promise<Ref>
}

/** What a frontend answers: one tree or one for each platform, and facts about them. */
export interface BridgeResult {
  readonly ref?: BridgeRef
  /** A platform may have the empty tree. */
  readonly refs: ReadonlyMap<string, BridgeRef | undefined>
  readonly metadata: ReadonlyMap<string, Uint8Array>
}

/**
 * A ref of a job; undefined for the definition of nothing. `check` may refuse operations; `prepare` is waited for before
 * anything of it is run.
 */
export function createBridgeRef(
  definition: Definition,
  job: Job,
  signal: AbortSignal,
  check: (op: Op) => void,
  prepare: (definition: Definition) => Promise<void>,
): BridgeRef | undefined {
  const loaded = loadDefinition(definition, check)
  if (loaded === undefined) return undefined
  return {
    id: randomBytes(12).toString('hex'),
    definition,
    result: memo(async () => {
      try {
        await prepare(definition)
      return refOf(await job.build(loaded.edge, signal))
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
