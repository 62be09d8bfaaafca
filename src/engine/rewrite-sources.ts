import { forEachBounded } from '../async/map-bounded.ts'
import type { Definition, Op } from '../proto/gen/ops_pb.ts'
import { rewriteDefinition } from './rewrite-definition.ts'
import type { PolicySource } from './source-policy.ts'

/** What becomes of a source; the same object where it stays. */
export type RewriteSource = (source: PolicySource, op: Op) => Promise<PolicySource>

/** A definition with other sources. The same definition where nothing changes. */
export async function rewriteSources(definition: Definition, rewrite: RewriteSource): Promise<Definition> {
  return rewriteDefinition(definition, ops => changeSources(ops, rewrite))
}

/** All at the same time: who decides may want to see several before it answers. */
async function changeSources(ops: Iterable<Op>, rewrite: RewriteSource): Promise<boolean> {
  let changed = false
  const change = async (op: Op): Promise<void> => {
    const { op: one } = op
    if (one.case !== 'source') return
    const before = { identifier: one.value.identifier, attrs: one.value.attrs }
    const after = await rewrite(before, op)
    if (after === before) return
    one.value.identifier = after.identifier
    one.value.attrs = { ...after.attrs }
    changed = true
  }
  await forEachBounded(ops, change, { limit: parallelQuestions })
  return changed
}

const parallelQuestions = 64
