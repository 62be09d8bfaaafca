import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'
import type { Transport } from '@connectrpc/connect'
import { anySignal } from '../../async/abort.ts'

/** What may go with a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly headers?: Headers | undefined
}

/** Calls a method with one request and one answer. */
export async function callUnary<I extends DescMessage, O extends DescMessage>(
  transport: Transport,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions = {},
): Promise<MessageShape<O>> {
  const answer = await transport.unary(method, options.signal, undefined, options.headers, request)
  return answer.message
}

/**
 * Calls a streaming method; the call begins when the answers are first read and is cancelled when the reader leaves
 * early. The iterator of `requests` may be left waiting then: close what feeds it.
 */
export async function* callStream<I extends DescMessage, O extends DescMessage>(
  transport: Transport,
  method: DescMethodServerStreaming<I, O> | DescMethodBiDiStreaming<I, O>,
  requests: AsyncIterable<MessageInitShape<I>>,
  options: CallOptions = {},
): AsyncGenerator<MessageShape<O>, void, undefined> {
  const gone = new AbortController()
  try {
    const signal = anySignal(options.signal, gone.signal)
    const answer = await transport.stream(method, signal, undefined, options.headers, requests)
    yield* answer.message
  } finally {
    gone.abort()
  }
}

/** A stream of one request, for methods that stream only their answers. */
export async function* once<T>(value: T): AsyncGenerator<T> {
  yield value
}
