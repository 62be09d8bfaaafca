import type { DescMethod } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import type { ByteStream } from '../bytes/byte-stream.ts'

/**
 * One feature that a client offers in its session: services to register on a router. Methods are called by the engine,
 * at any time and concurrently, while the session is open.
 */
export interface Attachable {
  readonly routes: (router: ConnectRouter) => void
  /** In-process sessions only: the absolute directory behind a local source. */
  readonly localDir?: (name: string) => string | undefined
  /** In-process sessions only: takes the one stream of an exporter as it is. */
  readonly localStream?: (exporterId: number) => StreamReceiver | undefined
  /** In-process sessions only: the directory that an exporter's files are written to. */
  readonly localTarget?: (exporterId: number) => LocalDirectory | undefined
}

/** Where an exporter's files go: an absolute path. */
export interface LocalDirectory {
  readonly path: string
  /** What is there and not in the result is removed. */
  readonly remove: boolean
}

/** Takes an exported stream, such as an archive; `metadata` are what the exporter says of it, keys in lower case. */
export type StreamReceiver = (
  stream: ByteStream,
  metadata: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<void>

/** The methods of attachables as `/pkg.Service/Method`, as a session announces them. */
export function methodUrls(attachables: readonly Attachable[]): string[] {
  const urls: string[] = []
  // Handlers are costly to make, and only their paths are asked for here.
  const router: ConnectRouter = {
    handlers: [],
    service(service) {
      urls.push(...service.methods.map(({ name }) => `/${service.typeName}/${name}`))
      return router
    },
    rpc({ parent, name }: DescMethod) {
      urls.push(`/${parent.typeName}/${name}`)
      return router
    },
  }
  for (const attachable of attachables) attachable.routes(router)
  return urls
}
