import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { Ref } from '../snapshot/ref.ts'

/** What of a step failed: an action of a file op, the key of an input, or the step itself. */
export type FailedSubject =
  | { readonly case: 'file'; readonly value: { readonly index: bigint } }
  | { readonly case: 'cache'; readonly value: { readonly index: bigint } }
  | { readonly case: undefined }

/** The trees that a step worked on when it failed. */
export interface FailedTrees {
  readonly inputs: readonly (Ref | undefined)[]
  /** As the step left them: by mount of an exec op, by action of a file op. */
  readonly outputs: readonly (Ref | undefined)[]
  readonly subject: FailedSubject
}

/** Stands in the causes of an error of a step, so that who debugs a build can look at what there was. */
export class FailedStep extends Error {
  readonly trees: FailedTrees

  constructor(cause: unknown, trees: FailedTrees) {
    super('step failed', { cause })
    this.name = 'FailedStep'
    this.trees = trees
  }
}

/** The same failure with the trees behind it. */
export function withFailedTrees(e: unknown, trees: FailedTrees): SlipwayError {
  const error = asSlipwayError(e)
  const { code, message, hint, details, sources, exitCode } = error
  return new SlipwayError(code, message, {
    cause: new FailedStep(e, trees),
    details,
    sources,
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  })
}

/** The trees behind a failure; undefined where it was no step that failed. */
export function failedTrees(e: unknown): FailedTrees | undefined {
  for (let at = e; at instanceof Error; at = at.cause) if (at instanceof FailedStep) return at.trees
  return undefined
}
