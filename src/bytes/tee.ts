import type { ByteStream } from './byte-stream.ts'

/** A second receiver of a stream's chunks. It must not change or keep a chunk beyond its return. */
export type ByteSink = (chunk: Uint8Array) => void | Promise<void>

/**
 * Passes `source` through and gives each chunk to the sinks first, in order, waiting for each: the slowest sets the
 * pace and nothing is buffered. A failing sink fails the stream.
 */
export async function* tee(
  source: ByteStream,
  ...sinks: readonly ByteSink[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    for (const sink of sinks) await sink(chunk)
    yield chunk
  }
}
