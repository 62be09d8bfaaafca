import { Code, ConnectError, type Interceptor, type StreamResponse } from '@connectrpc/connect'

/** A call that has ended. */
export interface ObservedCall {
  /** `/moby.buildkit.v1.Control/Solve` */
  readonly method: string
  /** One answer rather than a stream of them. */
  readonly unary: boolean
  /** How long it took. */
  readonly ms: number
  /** What the caller is told where it failed, with the name of the gRPC code. */
  readonly error: string | undefined
}

/** Hears of calls that have ended. */
export type CallObserver = (call: ObservedCall) => void

/** Server side: tells an observer of each call when it has ended, in whatever way. */
export function observeCalls(observer: CallObserver): Interceptor {
  return next => async request => {
    const started = performance.now()
    const end = (error?: unknown): void =>
      observer({
        method: new URL(request.url).pathname,
        unary: !request.stream,
        ms: performance.now() - started,
        error: error === undefined ? undefined : describe(error),
      })
    try {
      const answer = await next(request)
      if (answer.stream) return { ...answer, message: observed(answer.message, end) }
      end()
      return answer
    } catch (error) {
      end(error)
      throw error
    }
  }
}

async function* observed(
  messages: StreamResponse['message'],
  end: (error?: unknown) => void,
): StreamResponse['message'] {
  let failed: unknown
  try {
    yield* messages
  } catch (error) {
    failed = error
    throw error
  } finally {
    end(failed)
  }
}

function describe(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error)
  return `rpc error: code = ${Code[code]} desc = ${rawMessage}`
}
