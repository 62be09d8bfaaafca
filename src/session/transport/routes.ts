import { type ConnectRouter, createConnectRouter } from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import { typedErrors } from '../errors/typed-handlers.ts'
import { maxMessageBytes } from './http2-settings.ts'

/** Registers services on a router. What their methods throw reaches the caller as a gRPC status with its details. */
export type Routes = (router: ConnectRouter) => void

/** The handlers of routes, for gRPC only. */
export function grpcHandlers(routes: Routes): readonly UniversalHandler[] {
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    interceptors: [typedErrors],
  })
  routes(router)
  return router.handlers
}
