import { SlipwayError } from '../errors/slipway-error.ts'
import { type PassthroughOp, PassthroughOpSchema } from '../proto/gen/ops_pb.ts'
import type { Op } from '../solver/op.ts'
import { cacheDigest } from './cache-digest.ts'
import { goJson } from './go-json.ts'

/**
 * Hands inputs on as outputs, so that several things have one vertex. Key as BuildKit's:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/ops/passthrough.go
 */
export function createPassthroughOp(message: PassthroughOp, inputCount: number): Op {
  const text = `{"Type":"buildkit.passthrough.v0","Passthrough":${goJson(PassthroughOpSchema, message)}}`
  return {
    limited: false,
    cacheMaps: async () => [
      { digest: cacheDigest(text), inputs: Array.from({ length: inputCount }, () => ({ selector: '' })) },
    ],
    exec: async inputs =>
      message.outputs.map(index => {
        const input = inputs[Number(index)]
        if (input !== undefined) return input
        throw new SlipwayError('invalid-argument', `invalid passthrough output input index ${index}`)
      }),
  }
}
