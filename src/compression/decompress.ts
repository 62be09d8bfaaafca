import { createGunzip, createZstdDecompress, zstdDecompressSync } from 'node:zlib'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type CompressionType, detectCompression, magicLength } from './compression-type.ts'
import { gzipContent } from './gzip-content.ts'
import { through } from './through.ts'
import { zstdFrames } from './zstd-frames.ts'

/** Runs bytes through an installed program. `sys/filter-process.ts` is one. */
export type Filter = (
  command: string,
  args: readonly string[],
  source: ByteStream,
  signal?: AbortSignal,
) => ByteStream

/** How to decompress. */
export interface DecompressOptions {
  readonly signal?: AbortSignal | undefined
  /** For bzip2 and xz, which Node has no code for; absent, they are refused. */
  readonly filter?: Filter
  /** Hands out all that was packed before a fault, then tells the fault; slower. */
  readonly faultsInOrder?: boolean
}

const chunkSize = 256 * 1024

/**
 * The content of a stream that is packed with gzip, zstd, bzip2, xz or not at all: its first bytes decide, media types
 * are known to lie. Members and frames that follow each other count as one. Throws `data-loss` for broken streams.
 */
export async function* decompress(
  source: ByteStream,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, whole } = await peek(source)
  yield* decompressAs(detectCompression(start), whole, options)
}

/** As `decompress`, for a compression that is known. */
export function decompressAs(
  type: CompressionType,
  source: ByteStream,
  options: DecompressOptions = {},
): ByteStream {
  switch (type) {
    case 'uncompressed':
      return source
    case 'gzip':
      return options.faultsInOrder
        ? gzipContent(source, options.signal)
        : through(source, createGunzip({ chunkSize }), type, options.signal)
    case 'zstd':
      return readsFollowingFrames() ? zstd(source, options.signal) : eachFrame(source, options.signal)
    case 'bzip2':
    case 'xz':
      if (options.filter === undefined)
        throw new SlipwayError('unimplemented', `${type} streams are not supported here`)
      return options.filter(type, ['-dc'], source, options.signal)
    default:
      return type satisfies never
  }
}

function zstd(source: ByteStream, signal: AbortSignal | undefined): ByteStream {
  return through(source, createZstdDecompress({ chunkSize }), 'zstd', signal)
}

async function* eachFrame(
  source: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of zstdFrames(source)) yield* zstd(frame, signal)
}

/** An empty frame and one that holds `a`. */
const twoFrames = Buffer.from('28b52ffd200001000028b52ffd200109000061', 'hex')

/** Whether node:zlib goes on behind the first frame: Node 26 does, Node 24 takes its end for the stream's. */
function readsFollowingFrames(): boolean {
  return zstdDecompressSync(twoFrames).length === 1
}

/** The first bytes of a stream (fewer only where it ends), and the stream as if it had not been read. */
async function peek(source: ByteStream): Promise<{ readonly start: Uint8Array; readonly whole: ByteStream }> {
  const iterator = source[Symbol.asyncIterator]()
  const seen: Uint8Array[] = []
  let size = 0
  while (size < magicLength) {
    const next = await iterator.next()
    if (next.done) break
    seen.push(next.value)
    size += next.value.length
  }
  const start = seen.length === 1 ? (seen[0] as Uint8Array) : Buffer.concat(seen)
  const rest = { [Symbol.asyncIterator]: () => iterator }
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* seen
    yield* rest
  }
  return { start, whole: whole() }
}
