import type { ClientRequest } from 'node:http'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { RequestBody } from './transport.ts'

/**
 * Writes the body at the pace of the connection and ends the request. Stops early when the answer comes first (the
 * server refused) or the request is destroyed; a failure of the source destroys the request with that failure. Never
 * rejects.
 */
export async function sendBody(
  request: ClientRequest,
  body: RequestBody,
  options: { readonly idleTimeout: number },
): Promise<void> {
  let stopped = false
  let wake = (): void => {}
  const stop = (): void => {
    stopped = true
    wake()
  }
  const onDrain = (): void => wake()
  request.on('drain', onDrain)
  request.once('response', stop)
  request.once('close', stop)
  try {
    let sent = 0
    for await (const chunk of body.open()) {
      if (stopped) return
      sent += chunk.byteLength
      if (sent > body.size) throw wrongSize(`at least ${sent}`, body.size)
      if (request.write(chunk)) continue
      const drained = Promise.withResolvers<void>()
      wake = drained.resolve
      const timer = setTimeout(() => request.destroy(stalled()), options.idleTimeout)
      await drained.promise
      clearTimeout(timer)
      if (stopped) return
    }
    if (sent !== body.size) throw wrongSize(`${sent}`, body.size)
    request.end()
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

function wrongSize(sent: string, expected: number): SlipwayError {
  return new SlipwayError(
    'data-loss',
    `unexpected size of content to send: ${sent} bytes, expected ${expected}`,
  )
}

function stalled(): Error {
  return Object.assign(new Error('timeout while sending'), { code: 'ETIMEDOUT' })
}
