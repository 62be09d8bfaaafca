import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { abortError } from '../async/abort.ts'
import type { ByteStream } from './byte-stream.ts'

/**
 * Reads a Node stream as bytes. The stream is destroyed when the reader leaves early or the signal aborts; the abort
 * is then thrown as `canceled`.
 */
export async function* fromNode(
  stream: Readable,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const onAbort = (): void => void stream.destroy(abortError(signal as AbortSignal))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of stream) {
      yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : (chunk as Uint8Array)
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stream.destroy()
  }
}

/** A Node stream that reads `source`; destroying it releases the source. */
export function toNode(source: ByteStream): Readable {
  return Readable.from(source, { objectMode: false })
}

/** Writes the whole of `source` into a Node stream and ends it; both are released when either fails or on abort. */
export async function writeTo(source: ByteStream, target: Writable, signal?: AbortSignal): Promise<void> {
  try {
    await pipeline(source, target, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error
  }
}
