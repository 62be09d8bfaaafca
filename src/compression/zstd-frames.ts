import type { ByteStream } from '../bytes/byte-stream.ts'
import { SlipwayError } from '../errors/slipway-error.ts'

const magic = 0xfd2fb528
/** The last four bits of a skippable frame's magic are free. */
const skippableMagic = 0x184d2a50

/**
 * A zstd stream cut into its frames, skippable ones left out; each is to be read to its end before the next is asked
 * for. Only the sizes in the headers are looked at. Throws `data-loss` where those are not zstd's, or the stream ends
 * too early. Source: RFC 8878, 3.1.
 */
export async function* zstdFrames(source: ByteStream): AsyncGenerator<ByteStream, void, undefined> {
  const input = new Input(source)
  while (await input.fill(1)) {
    const start = (await input.peek(4)).readUInt32LE()
    if ((start & 0xfffffff0) >>> 0 === skippableMagic) {
      const size = (await input.peek(8)).readUInt32LE(4)
      for await (const _ of input.take(8 + size)) continue
    } else if (start === magic) yield frame(input)
    else throw broken()
  }
}

async function* frame(input: Input): AsyncGenerator<Uint8Array, void, undefined> {
  const { size, checksum } = headerOf(await input.peek(5))
  yield* input.take(size)
  for (let last = false; !last; ) {
    const header = (await input.peek(3)).readUIntLE(0, 3)
    last = (header & 1) === 1
    const type = (header >> 1) & 3
    // A block of type 1 is one byte, to be repeated.
    yield* input.take(3 + (type === 1 ? 1 : header >> 3))
  }
  if (checksum) yield* input.take(4)
}

/** Length of a frame's header with its magic, and whether a checksum follows the last block. */
function headerOf(start: Buffer): { readonly size: number; readonly checksum: boolean } {
  const descriptor = start[4] as number
  const single = (descriptor & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number
  const sizeFlag = descriptor >> 6
  const contentSize = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag
  return { size: 5 + (single ? 0 : 1) + dictionary + contentSize, checksum: (descriptor & 4) !== 0 }
}

/** Bytes of a stream, some of them looked at before they are taken. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #bytes: Buffer = Buffer.alloc(0)

  constructor(source: ByteStream) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Gets `count` bytes ready; false where the stream has fewer. */
  async fill(count: number): Promise<boolean> {
    while (this.#bytes.length < count) {
      const next = await this.#source.next()
      if (next.done) return false
      const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    }
    return true
  }

  async peek(count: number): Promise<Buffer> {
    if (!(await this.fill(count))) throw cut()
    return this.#bytes
  }

  async *take(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      if (!(await this.fill(1))) throw cut()
      const part = this.#bytes.subarray(0, left)
      this.#bytes = this.#bytes.subarray(part.length)
      left -= part.length
      yield part
    }
  }
}

function broken(): SlipwayError {
  return new SlipwayError('data-loss', 'zstd: unknown frame descriptor')
}

function cut(): SlipwayError {
  return new SlipwayError('data-loss', 'zstd: unexpected end of file')
}
