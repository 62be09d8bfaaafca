import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, type Op, OpSchema } from '../proto/gen/ops_pb.ts'

/**
 * A definition with other operations. `change` changes some of them in place and tells whether it did. Digests cover
 * inputs, so everything that is built on a changed operation has another one, and takes its metadata and its places in
 * the user's files along. The same definition where nothing changes. Throws `invalid-argument`.
 */
export async function rewriteDefinition(
  definition: Definition,
  change: (ops: Iterable<Op>) => Promise<boolean>,
): Promise<Definition> {
  const ops = new Map(definition.def.map(bytes => [digestOf(bytes) as string, fromBinary(OpSchema, bytes)]))
  const changed = await change(ops.values())
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
