import { SlipwayError } from '../../../errors/slipway-error.ts'
import { Tries } from '../../../registry/http/retry-transfer.ts'
import { transportFailure } from '../../../registry/http/transport-error.ts'
import type { HttpResponse } from '../../../registry/http/transport.ts'
import { skipBytes } from '../../../registry/skip-bytes.ts'
import type { CloudAccess } from './cloud-access.ts'

/** Asks for content from `offset` (bytes) on; answers 200 or 206. */
export type OpenContent = (offset: number) => Promise<HttpResponse>

/** The header that asks for the rest of some content; none for all of it. */
export function rangeHeader(offset: number): Readonly<Record<string, string>> {
  return offset === 0 ? {} : { range: `bytes=${offset}-` }
}

/**
 * Streams content of a known size; a transfer that breaks goes on where it broke. The digest is for the reader to
 * check. Throws what `open` throws, `unavailable` for an answer of another range.
 */
export async function* readContent(
  what: string,
  size: number,
  open: OpenContent,
  options: { readonly access: CloudAccess; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  const tries = new Tries({ sleep: options.access.sleep }, options.signal)
  let offset = 0
  for (;;) {
    try {
      for await (const chunk of bodyFrom(await open(offset), offset)) {
        offset += chunk.byteLength
        tries.moved(chunk.byteLength)
        yield chunk
      }
      if (offset >= size) return
      throw transportFailure(`${what}: unexpected EOF after ${offset} of ${size} bytes`, 'eof')
    } catch (error) {
      await tries.failed(error)
    }
  }
}

function bodyFrom(response: HttpResponse, offset: number): AsyncIterable<Uint8Array> {
  if (response.status !== 206) return skipBytes(response.body, offset)
  const range = response.header('content-range') ?? ''
  if (range.startsWith(`bytes ${offset}-`)) return response.body
  response.discard()
  throw new SlipwayError('unavailable', `unhandled content range in response: ${range.slice(0, 80)}`)
}
