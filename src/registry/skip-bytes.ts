import type { ByteStream } from '../bytes/byte-stream.ts'

/** `source` without its first `count` bytes. */
export async function* skipBytes(
  source: ByteStream,
  count: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count
  for await (const chunk of source) {
    if (left >= chunk.byteLength) left -= chunk.byteLength
    else {
      yield left === 0 ? chunk : chunk.subarray(left)
      left = 0
    }
  }
}

/** The first `count` bytes of `source`, which is released after them. */
export async function* takeBytes(
  source: ByteStream,
  count: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count
  if (left === 0) return
  for await (const chunk of source) {
    yield chunk.byteLength <= left ? chunk : chunk.subarray(0, left)
    left -= chunk.byteLength
    if (left <= 0) return
  }
}
