import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { forEachBounded } from '../async/map-bounded.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, type Op, OpSchema } from '../proto/gen/ops_pb.ts'
import type { PolicySource } from './source-policy.ts'

/** What becomes of a source; the same object where it stays. */
export type RewriteSource = (source: PolicySource, op: Op) => Promise<PolicySource>

/**
 * A definition with other sources. Digests cover inputs, so everything that is built on a changed source has another one,
 * and takes its metadata and its places in the user's files along. The same definition where nothing changes.
 */
export async function rewriteSources(definition: Definition, rewrite: RewriteSource): Promise<Definition> {
  const ops = new Map(definition.def.map(bytes => [digestOf(bytes) as string, fromBinary(OpSchema, bytes)]))
  const changed = await changeSources(ops, rewrite)
  if (!changed) return definition
  const renamed = new Map<string, string>()
  const written = new Map<string, Uint8Array>()
  const visit = (digest: string): string => {
    const known = renamed.get(digest)
    if (known !== undefined) return known
    const op = ops.get(digest)
    if (op === undefined) throw new SlipwayError('invalid-argument', `invalid missing input digest ${digest}`)
    for (const input of op.inputs) input.digest = visit(input.digest)
    const bytes = toBinary(OpSchema, op)
    const fresh = digestOf(bytes)
    renamed.set(digest, fresh)
    written.set(fresh, bytes)
    return fresh
  }
  const order = definition.def.map(bytes => visit(digestOf(bytes)))
  const rename = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(record).map(([digest, value]) => [renamed.get(digest) ?? digest, value]),
    )
  const source = definition.Source
  return create(DefinitionSchema, {
    def: [...new Set(order)].flatMap(digest => written.get(digest) ?? []),
    metadata: rename(definition.metadata),
    ...(source === undefined ? {} : { Source: { ...source, locations: rename(source.locations) } }),
  })
}

/** All at the same time: who decides may want to see several before it answers. */
async function changeSources(ops: ReadonlyMap<string, Op>, rewrite: RewriteSource): Promise<boolean> {
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
  await forEachBounded(ops.values(), change, { limit: parallelQuestions })
  return changed
}

const parallelQuestions = 64
