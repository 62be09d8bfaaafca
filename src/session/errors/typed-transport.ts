import type { Transport } from '@connectrpc/connect'
import { throwIfAborted } from '../../async/abort.ts'
import { fromConnectError } from './wire-error.ts'

/** The same transport, but calls and streams throw `SlipwayError`; an aborted call throws what `abortError` says. */
export function typedTransport(inner: Transport): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      throwIfAborted(signal)
      try {
        return await inner.unary(method, signal, timeoutMs, header, input, contextValues)
      } catch (error) {
        throwIfAborted(signal)
        throw fromConnectError(error)
      }
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      throwIfAborted(signal)
      try {
        const answer = await inner.stream(method, signal, timeoutMs, header, input, contextValues)
        return { ...answer, message: typedMessages(answer.message, signal) }
      } catch (error) {
        throwIfAborted(signal)
        throw fromConnectError(error)
      }
    },
  }
}

async function* typedMessages<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  try {
    yield* messages
  } catch (error) {
    throwIfAborted(signal)
    throw fromConnectError(error)
  }
}
