import { SlipwayError } from '../errors/slipway-error.ts'
import type { ByteStream } from './byte-stream.ts'

/**
 * Passes `source` through and throws `resource-exhausted` as soon as it is longer than `max` bytes. `what` names the
 * thing in the message (`manifest`, `Dockerfile`).
 */
export async function* limitBytes(
  source: ByteStream,
  max: number,
  what = 'stream',
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of source) {
    size += chunk.byteLength
    if (size > max) throw new SlipwayError('resource-exhausted', `${what} is larger than ${max} bytes`)
    yield chunk
  }
}
