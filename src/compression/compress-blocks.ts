import { crc32 } from 'node:zlib'
import { throwIfAborted } from '../async/abort.ts'

/** A compression whose stream is made of pieces that can be made independently of each other. */
export interface BlockFormat {
  /** Bytes of input per piece. It decides the output, so it never depends on the machine. */
  readonly blockSize: number
  /** Bytes before a piece that the piece may refer to. */
  readonly dictionarySize: number
  readonly header: Uint8Array
  /** Compresses one piece on a thread of its own. Both arguments stay untouched until the promise settles. */
  compress(block: Buffer, dictionary: Buffer): Promise<Uint8Array>
  /** What follows the last piece. `size` counts the input in bytes. */
  trailer(crc: number, size: number): Uint8Array
}

/** How many pieces are under way at once, and whose patience. */
export interface BlockOptions {
  readonly parallel: number
  readonly signal?: AbortSignal | undefined
}

/** A piece with room for the bytes before it. */
interface Block {
  readonly buffer: Buffer
  dictionary: number
  filled: number
}

/**
 * Compresses a stream, several pieces at once, in order. The bytes that come out depend on the input and the format
 * alone. A chunk of the input is used up when the next one is asked for, so the source may use its memory again.
 */
export async function* compressBlocks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  format: BlockFormat,
  options: BlockOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { blockSize, dictionarySize } = format
  const free: Block[] = []
  const running: Promise<Uint8Array>[] = []
  let crc = 0
  let size = 0
  const next = (last?: Block): Block => {
    const block = free.pop() ?? {
      buffer: Buffer.allocUnsafeSlow(dictionarySize + blockSize),
      dictionary: 0,
      filled: 0,
    }
    block.dictionary = last === undefined ? 0 : Math.min(dictionarySize, last.filled)
    block.filled = 0
    last?.buffer.copy(
      block.buffer,
      dictionarySize - block.dictionary,
      dictionarySize + last.filled - block.dictionary,
      dictionarySize + last.filled,
    )
    return block
  }
  const start = (block: Block): void => {
    const { buffer, dictionary, filled } = block
    const bytes = buffer.subarray(dictionarySize, dictionarySize + filled)
    crc = crc32(bytes, crc)
    size += filled
    const work = format.compress(bytes, buffer.subarray(dictionarySize - dictionary, dictionarySize))
    const recycled = work.finally(() => free.push(block))
    recycled.catch(() => {})
    running.push(recycled)
  }
  try {
    yield format.header
    let block = next()
    for await (const chunk of source) {
      throwIfAborted(options.signal)
      for (let at = 0; at < chunk.length; ) {
        const n = Math.min(chunk.length - at, blockSize - block.filled)
        block.buffer.set(chunk.subarray(at, at + n), dictionarySize + block.filled)
        block.filled += n
        at += n
        if (block.filled < blockSize) continue
        const full = block
        block = next(full)
        start(full)
        while (running.length > options.parallel) yield await (running.shift() as Promise<Uint8Array>)
      }
    }
    if (block.filled > 0) start(block)
    while (running.length > 0) yield await (running.shift() as Promise<Uint8Array>)
    yield format.trailer(crc, size)
  } finally {
    await Promise.allSettled(running)
  }
}
