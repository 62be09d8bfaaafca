import { create } from '@bufbuild/protobuf'
import { type Definition, NetMode, type Op, WorkerConstraintsSchema } from '../proto/gen/ops_pb.ts'
import { rewriteDefinition } from './rewrite-definition.ts'

const mark = 'slipway.network=proxy'

/** Whether a step reaches the network through a proxy only. */
export const isProxied = (op: Op): boolean =>
  op.constraints?.filter.some(one => one === mark || one.startsWith(`${mark}.`)) === true

/**
 * The definition with its steps kept to a proxy: a constraint says so, which makes them other steps than those of builds
 * that are not watched. `rules` tells builds apart whose requests are held against different rules. Steps without a
 * network stay as they are.
 */
export async function proxySteps(definition: Definition, rules: string): Promise<Definition> {
  const wanted = rules === '' ? mark : `${mark}.${rules}`
  return rewriteDefinition(definition, async ops => {
    let changed = false
    for (const op of ops) {
      if (op.op.case !== 'exec' || op.op.value.network === NetMode.NONE) continue
      const others = op.constraints?.filter.filter(one => !one.startsWith(mark)) ?? []
      op.constraints = create(WorkerConstraintsSchema, { filter: [...others, wanted] })
      changed = true
    }
    return changed
  })
}
