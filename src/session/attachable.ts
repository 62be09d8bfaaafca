import { type ConnectRouter, createConnectRouter } from '@connectrpc/connect'

/**
 * One feature that a client offers in its session: services to register on a router. Methods are called by the engine,
 * at any time and concurrently, while the session is open.
 */
export interface Attachable {
  readonly routes: (router: ConnectRouter) => void
  /** In-process sessions only: the absolute directory behind a local source. */
  readonly localDir?: (name: string) => string | undefined
}

/** The methods of attachables as `/pkg.Service/Method`, as a session announces them. */
export function methodUrls(attachables: readonly Attachable[]): string[] {
  const router = createConnectRouter()
  for (const attachable of attachables) attachable.routes(router)
  return router.handlers.map(handler => handler.requestPath)
}
