import type { ClientHttp2Stream } from 'node:http2'
import { Code, ConnectError } from '@connectrpc/connect'

/**
 * Makes a stream fail that the peer closes before it answers. With the code NO_ERROR (a connection that is given up in
 * peace) Node closes it without a word, and connect would wait for an answer for ever.
 */
export function withEarlyClose(stream: ClientHttp2Stream): ClientHttp2Stream {
  let answered = false
  stream.once('response', () => {
    answered = true
  })
  stream.once('close', () => {
    if (!answered && stream.rstCode === 0) stream.emit('error', new ConnectError('EOF', Code.Canceled))
  })
  return stream
}
