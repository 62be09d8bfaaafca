import type { ByteStream } from './byte-stream.ts'
import { limitBytes } from './limit.ts'

/** How much may be gathered in memory, and what it is called when it is more. */
export interface CollectOptions {
  /** Bytes; more throws `resource-exhausted`. */
  readonly limit: number
  readonly what?: string
}

/** The whole stream in memory. Not for blobs: for manifests, configurations and answers with a known bound. */
export async function collect(source: ByteStream, options: CollectOptions): Promise<Uint8Array> {
  const chunks = await Array.fromAsync(limitBytes(source, options.limit, options.what))
  if (chunks.length === 1) return chunks[0] as Uint8Array
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

/** The whole stream as UTF-8 text; malformed bytes become U+FFFD. */
export async function collectText(source: ByteStream, options: CollectOptions): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await collect(source, options))
}
