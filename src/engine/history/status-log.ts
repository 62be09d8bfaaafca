import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type StatusResponse, StatusResponseSchema } from '../../proto/gen/control_pb.ts'
import type { SolveStatus } from '../../status/solve-status.ts'
import { statusMessage } from '../status-message.ts'

/** Type of the blob that keeps what a build said: messages, each with its length in front (4 bytes, little endian). */
export const statusLogType = 'application/vnd.buildkit.status.v0'

/** Messages larger than this are broken data (bytes). */
const mostBytes = 256 << 20

/** Steps of a build as its log shows them. */
export interface LogCounts {
  readonly total: number
  readonly completed: number
  readonly cached: number
  readonly warnings: number
}

/** A build's status messages as the bytes of its log. */
export function* encodeStatusLog(messages: readonly SolveStatus[]): Iterable<Uint8Array> {
  for (const status of messages) {
    const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, statusMessage(status)))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    yield length
    yield bytes
  }
}

/** Reads a log back. Throws `data-loss` where it is cut off or broken. */
export async function* decodeStatusLog(chunks: AsyncIterable<Uint8Array>): AsyncIterable<StatusResponse> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    for (let size = frameSize(rest); size !== undefined && rest.length >= 4 + size; size = frameSize(rest)) {
      yield fromBinary(StatusResponseSchema, rest.subarray(4, 4 + size))
      rest = rest.subarray(4 + size)
    }
  }
  if (rest.length > 0) throw new SlipwayError('data-loss', 'unexpected EOF in the log of the build')
}

function frameSize(buffer: Buffer): number | undefined {
  if (buffer.length < 4) return undefined
  const size = buffer.readUInt32LE(0)
  if (size > mostBytes)
    throw new SlipwayError('data-loss', `log of the build is broken: message of ${size} bytes`)
  return size
}

/** Counts steps and warnings. */
export function countSteps(messages: readonly SolveStatus[]): LogCounts {
  const steps = new Map<string, { cached: boolean; completed: boolean }>()
  let warnings = 0
  for (const status of messages) {
    warnings += status.warnings?.length ?? 0
    for (const vertex of status.vertexes ?? []) {
      const step = steps.get(vertex.digest) ?? { cached: false, completed: false }
      steps.set(vertex.digest, step)
      if (vertex.cached) step.cached = true
      if (vertex.completed !== undefined) step.completed = true
    }
  }
  const all = [...steps.values()]
  return {
    total: all.length,
    completed: all.filter(step => step.completed).length,
    cached: all.filter(step => step.cached).length,
    warnings,
  }
}
