import { fromBinary } from '@bufbuild/protobuf'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { failedTrees } from '../ops/failed-step.ts'
import { type Definition, OpSchema } from '../proto/gen/ops_pb.ts'
import type { Ref } from '../snapshot/ref.ts'

/**
 * A failure as clients of the bridge get it: with the operation that failed, and ids under which its trees can be mounted
 * (`errdefs.Solve`). Other failures stay as they are.
 */
export function solveError(
  e: unknown,
  definition: Definition,
  remember: (tree: Ref) => string,
): SlipwayError {
  const error = asSlipwayError(e)
  const trees = failedTrees(e)
  const digest = error.details.find(detail => detail.type === 'errdefs.Vertex')?.['digest']
  const bytes = definition.def.find(one => digestOf(one) === digest)
  if (trees === undefined || bytes === undefined) return error
  const ids = (list: readonly (Ref | undefined)[]): string[] =>
    list.map(tree => (tree === undefined ? '' : remember(tree)))
  const { code, message, sources, hint, exitCode } = error
  return new SlipwayError(code, message, {
    cause: e,
    sources,
    details: [
      ...error.details,
      {
        type: 'errdefs.Solve',
        inputIDs: ids(trees.inputs),
        mountIDs: ids(trees.outputs),
        op: fromBinary(OpSchema, bytes),
        subject: trees.subject,
        description: { ...definition.metadata[String(digest)]?.description },
      },
    ],
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  })
}
