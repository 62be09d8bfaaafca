import type { HandlerContext } from '@connectrpc/connect'
import type { CallContext } from './engine-api.ts'

/** What a method of the engine knows of the call that reached it over gRPC. */
export function callContext(context: HandlerContext): CallContext {
  return { signal: context.signal, headers: context.requestHeader, responseHeaders: context.responseHeader }
}
