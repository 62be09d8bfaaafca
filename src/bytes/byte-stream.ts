/** Bytes as they flow inside Slipway: chunks of any size, read once; leaving the loop early releases the source. */
export type ByteStream = AsyncIterable<Uint8Array>

/** A stream of the given chunks; texts are UTF-8. */
export async function* bytesOf(...chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
}
