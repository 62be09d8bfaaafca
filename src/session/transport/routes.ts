import {
  type ConnectRouter,
  createConnectRouter,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type Interceptor,
} from '@connectrpc/connect'
import type {
  UniversalHandler,
  UniversalHandlerFn,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol'
import { StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import { detailUrl } from '../errors/details.ts'
import { typedErrors } from '../errors/typed-handlers.ts'
import { maxMessageBytes } from './http2-settings.ts'

/** Registers services on a router. What their methods throw reaches the caller as a gRPC status with its details. */
export type Routes = (router: ConnectRouter) => void

/** How calls are handled. */
export interface HandlerOptions {
  /** They see calls as they go over the wire. */
  readonly outermost?: readonly Interceptor[]
  /** Ends the calls that still run. */
  readonly stopping?: AbortSignal | undefined
}

/** The handlers of routes, for gRPC only. */
export function grpcHandlers(
  routes: Routes,
  { outermost = [], stopping }: HandlerOptions = {},
): readonly UniversalHandler[] {
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    interceptors: [...outermost, typedErrors],
    ...(stopping === undefined ? {} : { shutdownSignal: stopping }),
  })
  routes(router)
  return router.handlers.map(handler => {
    const answer: UniversalHandlerFn = async request => {
      const response = await handler(request)
      return response.body === undefined
        ? response
        : { ...response, body: withDetailUrls(response, response.body) }
    }
    return Object.assign(answer, handler)
  })
}

const detailsKey = 'grpc-status-details-bin'

/**
 * The body of a response, which rewrites the status in its trailers at the end: connect gives every detail of an error a URL
 * of type.googleapis.com, by which Go's BuildKit does not find its own.
 */
async function* withDetailUrls(
  response: UniversalServerResponse,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* body
  const trailer = new Headers(response.trailer)
  const encoded = trailer.get(detailsKey)
  if (encoded === null || !(response.trailer instanceof Headers)) return
  const status = decodeBinaryHeader(encoded, StatusSchema)
  for (const detail of status.details)
    detail.typeUrl = detailUrl(detail.typeUrl.slice(detail.typeUrl.lastIndexOf('/') + 1))
  response.trailer.set(detailsKey, encodeBinaryHeader(status, StatusSchema))
}
