import type { DescMessage, DescMethodBiDiStreaming, MessageShape } from '@bufbuild/protobuf'
import type { Transport } from '@connectrpc/connect'
import { abortError, anySignal } from '../async/abort.ts'
import { AsyncQueue } from '../async/async-queue.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type CallOptions, callStream } from './transport/call.ts'

/** Sends one message; waits while the other side does not keep up, rejects when it has gone. */
export type Send<Message> = (message: Message) => Promise<void>

/** One side of a conversation: reads what comes and sends when it likes; `end` says that it will send no more. */
export type Talk<In, Out, Result> = (
  incoming: AsyncIterable<In>,
  send: Send<Out>,
  signal: AbortSignal,
  end: () => void,
) => Promise<Result>

/** Messages that may wait to be sent. */
const capacity = 32

/** As the server of a streaming method: what `talk` sends is the answer, which ends when it returns or throws. */
export async function* answerTalk<In, Out>(
  incoming: AsyncIterable<In>,
  signal: AbortSignal,
  talk: Talk<In, Out, void>,
): AsyncGenerator<Out, void, undefined> {
  const out = new AsyncQueue<Out>({ capacity })
  const gone = new AbortController()
  const inner = anySignal(signal, gone.signal)
  const talking = talk(incoming, sendTo(out, inner), inner, () => out.end()).then(
    () => out.end(),
    (error: unknown) => out.fail(error),
  )
  try {
    yield* out
  } finally {
    gone.abort()
    await talking
  }
}

/**
 * As the caller of a streaming method. When `talk` returns, our half is ended and the other side's end awaited, so that its
 * failures are not missed; when it throws, the call is cancelled.
 */
export async function callTalk<I extends DescMessage, O extends DescMessage, Result>(
  transport: Transport,
  method: DescMethodBiDiStreaming<I, O>,
  options: CallOptions,
  talk: Talk<MessageShape<O>, MessageShape<I>, Result>,
): Promise<Result> {
  const out = new AsyncQueue<MessageShape<I>>({ capacity })
  const gone = new AbortController()
  const signal = anySignal(options.signal, gone.signal)
  // The reader gets a message, or an end, of its own kind; connect's own types for this are invariant.
  const requests = out as AsyncIterable<never>
  const incoming = callStream(transport, method, requests, { ...options, signal })
  try {
    const result = await talk(incoming, sendTo(out, signal), signal, () => out.end())
    out.end()
    for await (const _ of incoming) {
      // What comes after the talk is over is of no interest, only how it ends.
    }
    return result
  } catch (error) {
    if (options.signal?.aborted) throw abortError(options.signal)
    throw error
  } finally {
    out.close()
    gone.abort()
  }
}

function sendTo<Message>(out: AsyncQueue<Message>, signal: AbortSignal): Send<Message> {
  return async message => {
    if (!(await out.send(message, signal))) throw new SlipwayError('canceled', 'the other side has gone')
  }
}
