import { pipeline, Readable, type Transform } from 'node:stream'
import { abortError } from '../async/abort.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'

/** What a stream of node:zlib makes of `source`. Throws `data-loss` with `type` for broken input. */
export async function* through(
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
