import type { ByteStream } from '../bytes/byte-stream.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { readTar } from '../tar/read-tar.ts'

const second = 1_000_000_000n
const zeros = Buffer.alloc(64 * 1024)

/** The same archive with times later than `epochSeconds` set back to it. Holes of sparse files are filled in. */
export async function* rewriteTar(
  source: ByteStream,
  epochSeconds: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const latest = BigInt(epochSeconds) * second
  for await (const { entry, content } of readTar(source)) {
    yield encodeHeader({ ...entry, mtimeNs: entry.mtimeNs > latest ? latest : entry.mtimeNs })
    let at = 0
    for await (const { bytes, offset } of content) {
      yield* holes(offset - at)
      yield bytes
      at = offset + bytes.length
    }
    yield* holes(entry.size - at)
    yield padding(entry.size)
  }
  yield endOfArchive
}

function* holes(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length))
}
