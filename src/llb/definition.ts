import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type Definition, DefinitionSchema } from '../proto/gen/ops_pb.ts'

export type { Definition, Op, OpMetadata, SourceOp } from '../proto/gen/ops_pb.ts'

/** The definition of an empty file tree: no op at all. */
export function emptyDefinition(): Definition {
  return create(DefinitionSchema)
}

/** A definition in its wire form. */
export function encodeDefinition(definition: Definition): Uint8Array {
  return toBinary(DefinitionSchema, definition)
}

/** Reads the wire form; whether the graph makes sense is for `readGraph`. Throws `invalid-argument`. */
export function decodeDefinition(bytes: Uint8Array): Definition {
  try {
    return fromBinary(DefinitionSchema, bytes)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'failed to parse llb proto definition', { cause })
  }
}
