import type { Interceptor, StreamResponse } from '@connectrpc/connect'
import { toConnectError, type WireOptions } from './wire-error.ts'

/** Server side: what methods throw, also in the middle of a stream, becomes a gRPC status with its details. */
export const typedErrors: Interceptor = errorsAs({})

/** As `typedErrors`, with a say in how errors are put on the wire. */
export function errorsAs(options: WireOptions): Interceptor {
  return next => async request => {
    try {
      const answer = await next(request)
      return answer.stream ? { ...answer, message: typedMessages(answer.message, options) } : answer
    } catch (error) {
      throw toConnectError(error, options)
    }
  }
}

async function* typedMessages(
  messages: StreamResponse['message'],
  options: WireOptions,
): StreamResponse['message'] {
  try {
    yield* messages
  } catch (error) {
    throw toConnectError(error, options)
  }
}
