import type { ByteStream } from './byte-stream.ts'

/** Passes `source` through and tells `onBytes` the number of bytes so far, after each chunk. */
export async function* countBytes(
  source: ByteStream,
  onBytes: (total: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0
  for await (const chunk of source) {
    total += chunk.byteLength
    onBytes(total)
    yield chunk
  }
}
