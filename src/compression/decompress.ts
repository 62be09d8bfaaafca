import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress, zstdDecompressSync } from 'node:zlib'
import { abortError } from '../async/abort.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { zstdFrames } from './zstd-frames.ts'
import { type CompressionType, detectCompression, magicLength } from './compression-type.ts'

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
      return through(source, createGunzip({ chunkSize }), type, options.signal)
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

async function* through(
  source: ByteStream,
  transform: Transform,
  type: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const done = Promise.withResolvers<void>()
  const onAbort = (): void => void transform.destroy(abortError(signal as AbortSignal))
  const input = Readable.from(source, { objectMode: true, highWaterMark: 2 })
  pipeline(input, transform, error => (error ? done.reject(error) : done.resolve()))
  // The failure is thrown by the loop below, or was caused by leaving it.
  done.promise.catch(() => {})
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of transform) yield chunk as Uint8Array
    await done.promise.catch(error => {
      // What is packed may end before its source does: the rest is not read.
      if (!isLeftOver(error)) throw error
    })
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    throw zlibError(error, type)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    transform.destroy()
  }
}

function isLeftOver(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ABORT_ERR' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/** Errors of node:zlib have codes of their own (`Z_DATA_ERROR`, `ZSTD_error_…`); everything else passes. */
function zlibError(error: unknown, type: string): unknown {
  if (isSlipwayError(error) || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (!/^(Z_|ZSTD_)/.test(code)) return error
  return new SlipwayError('data-loss', `${type}: ${error.message}`, { cause: error })
}
