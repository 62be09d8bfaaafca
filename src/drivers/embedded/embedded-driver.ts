import { duplexPair } from 'node:stream'
import { embeddedConnection } from '../../buildkit/server/embedded.ts'
import { createServerRoutes } from '../../buildkit/server/server-routes.ts'
import { serveDuplex } from '../../session/transport/serve-http2.ts'
import { type LocalEngine, type LocalEngineOptions, openLocalEngine } from '../../engine/local-engine.ts'
import { memoDisposable } from '../../async/memo-disposable.ts'
import type { Driver } from '../driver.ts'

/** The engine of this machine, in this process: nothing has to be started. Disposing it closes the engine. */
export interface EmbeddedDriver extends Driver, AsyncDisposable {
  /** The engine itself, opened at the first need: for commands on the local store. */
  engine(): Promise<LocalEngine>
}

/** A driver over the engine of this machine. */
export function createEmbeddedDriver(options: LocalEngineOptions): EmbeddedDriver {
  const opened = memoDisposable(() => openLocalEngine(options))
  return {
    name: 'embedded',
    engine: opened.get,
    status: async () => 'running',
    bootstrap: async () => undefined,
    async dial() {
      const { engine, sessions } = await opened.get()
      return embeddedConnection(engine, sessions)
    },
    async open() {
      const { engine, sessions } = await opened.get()
      const [client, server] = duplexPair()
      serveDuplex(server, createServerRoutes(engine, sessions))
      return client
    },
    features: async () => ({
      ociExporter: true,
      dockerExporter: true,
      cacheExport: true,
      multiPlatform: true,
      attestations: true,
      keepsImages: true,
    }),
    stop: async () => undefined,
    remove: async () => undefined,
    [Symbol.asyncDispose]: opened[Symbol.asyncDispose],
  }
}
