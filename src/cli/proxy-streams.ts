import type { Duplex, Readable, Writable } from 'node:stream'
import { abortable } from '../async/abort.ts'

/** Copies both ways until the far side of the connection ends; the end of the input only ends our half. */
export async function proxyStreams(
  connection: Duplex,
  input: Readable,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>()
  connection.once('end', ended.resolve)
  connection.once('close', ended.resolve)
  connection.once('error', ended.reject)
  input.pipe(connection)
  connection.pipe(output, { end: false })
  try {
    await abortable(ended.promise, signal)
  } finally {
    input.unpipe(connection)
    connection.destroy()
  }
}
