import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, type Op, OpSchema, type SourceOp } from '../proto/gen/ops_pb.ts'

/** The digest of the op whose output a definition is; empty for the definition of nothing. */
export function headOf(definition: Definition): string {
  const last = definition.def.at(-1)
  return last === undefined ? '' : (decodeOp(last).inputs[0]?.digest ?? '')
}

/** The source of a definition that is a single source op; undefined for all others. */
export function onlySource(definition: Definition): SourceOp | undefined {
  const bytes = onlySourceBytes(definition)
  const op = bytes === undefined ? undefined : decodeOp(bytes).op
  return op?.case === 'source' ? op.value : undefined
}

/** The definition of that source alone, without what is done with it; undefined as `onlySource`. */
export function onlySourceDefinition(definition: Definition): Definition | undefined {
  const source = onlySourceBytes(definition)
  if (source === undefined) return undefined
  const digest = digestOf(source)
  const end = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest, index: 0n }] }))
  const metadata = definition.metadata[digest]
  return create(DefinitionSchema, {
    def: [source, end],
    metadata: metadata === undefined ? {} : { [digest]: metadata },
  })
}

function onlySourceBytes(definition: Definition): Uint8Array | undefined {
  const [source, ...more] = definition.def.filter(bytes => decodeOp(bytes).op.case === 'source')
  return more.length === 0 ? source : undefined
}

/** Reads one op. Throws `invalid-argument`. */
export function decodeOp(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'failed to parse llb proto op', { cause })
  }
}
