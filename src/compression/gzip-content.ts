import { crc32, createInflateRaw } from 'node:zlib'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { through } from './through.ts'

const chunkSize = 256 * 1024
/** Bits of a header's flags. Source: RFC 1952, 2.3.1. */
const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const

/**
 * The content of gzip members in a row, as Go's compress/gzip reads them: all of a member's content comes before its
 * trailer is looked at, and all members before something behind them that is none. Throws `data-loss`.
 */
export async function* gzipContent(
  source: ByteStream,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = new Input(source)
  try {
    for (let first = true; first || !(await input.ended()); first = false) {
      await skipHeader(input)
      let [crc, size] = [0, 0]
      const inflate = createInflateRaw({ chunkSize })
      const start = input.position
      const done = (): number => start + inflate.bytesWritten
      for await (const chunk of through(input.chunks(done), inflate, 'gzip', signal)) {
        crc = crc32(chunk, crc)
        size = (size + chunk.length) % 2 ** 32
        yield chunk
      }
      input.position = done()
      const trailer = await input.take(8)
      if (trailer.readUInt32LE(0) !== crc || trailer.readUInt32LE(4) !== size)
        throw broken('invalid checksum')
    }
  } finally {
    await input.close()
  }
}

async function skipHeader(input: Input): Promise<void> {
  const header = await input.take(10)
  if (header[0] !== 0x1f || header[1] !== 0x8b || header[2] !== 8) throw broken('invalid header')
  const flags = header[3] as number
  if (flags & flag.extra) await input.take((await input.take(2)).readUInt16LE(0))
  for (const bit of [flag.name, flag.comment]) if (flags & bit) while ((await input.take(1))[0] !== 0);
  if (flags & flag.headerCrc) await input.take(2)
}

function broken(what: string): SlipwayError {
  return new SlipwayError('data-loss', `gzip: ${what}`)
}

/** Bytes that are read piece by piece, the last of them again where too many were taken. */
class Input {
  readonly #iterator: AsyncIterator<Uint8Array>
  /** What was read and is not done with; the first byte stands at `#start`. */
  #held: Buffer[] = []
  #start = 0
  /** Where the next byte is read. */
  position = 0

  constructor(source: ByteStream) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  async ended(): Promise<boolean> {
    return (await this.#here()) === undefined
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = count; missing > 0; ) {
      const part = (await this.#here())?.subarray(0, missing)
      if (part === undefined) throw broken('unexpected EOF')
      parts.push(part)
      missing -= part.length
      this.position += part.length
      this.#forget(this.position)
    }
    return Buffer.concat(parts)
  }

  /** Everything that follows, until the reader has enough. What comes after `done()` may be read again. */
  async *chunks(done: () => number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = await this.#here(); bytes !== undefined; bytes = await this.#here()) {
      this.position += bytes.length
      yield bytes
      this.#forget(done())
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.()
  }

  /** The bytes at hand from `position` on; undefined at the end. */
  async #here(): Promise<Buffer | undefined> {
    let at = this.#start
    for (const bytes of this.#held) {
      if (this.position < at + bytes.length) return bytes.subarray(this.position - at)
      at += bytes.length
    }
    for (;;) {
      const next = await this.#iterator.next()
      if (next.done) return undefined
      if (next.value.length === 0) continue
      this.#held.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length))
      return this.#held.at(-1)
    }
  }

  #forget(before: number): void {
    for (let first = this.#held[0]; first && this.#start + first.length <= before; first = this.#held[0]) {
      this.#start += first.length
      this.#held.shift()
    }
  }
}
