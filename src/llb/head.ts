import { fromBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type Definition, type Op, OpSchema } from '../proto/gen/ops_pb.ts'

/** The digest of the op whose output a definition is; empty for the definition of nothing. */
export function headOf(definition: Definition): string {
  const last = definition.def.at(-1)
  return last === undefined ? '' : (decodeOp(last).inputs[0]?.digest ?? '')
}

/** The source of a definition that is a single source op; undefined for all others. */
export function onlySource(definition: Definition) {
  const ops = definition.def.map(decodeOp).filter(op => op.op.case === 'source')
  const [op] = ops
  return ops.length === 1 && op?.op.case === 'source' ? op.op.value : undefined
}

/** Reads one op. Throws `invalid-argument`. */
export function decodeOp(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'failed to parse llb proto op', { cause })
  }
}
