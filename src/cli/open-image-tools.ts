import type { ImageTools } from '../imagetools/image-tools.ts'
import { imageStoreOpener } from '../imagetools/open-image-store.ts'
import type { LocalStore } from '../imagetools/local-image-store.ts'
import { NodeTransport } from '../registry/http/node-transport.ts'
import { builderConfig } from '../builder/builder-config.ts'
import type { BuilderHost } from '../builder/builder-host.ts'
import { RegistryClient } from '../registry/registry-client.ts'
import type { RegistryConfigs } from '../registry/registry-config.ts'
import { lock } from '../sys/file-lock.ts'
import { userCredentials } from './docker-credentials.ts'
import { embeddedDriver, engineConfig, proxySettings } from './embedded.ts'
import type { Host } from './host.ts'
import { hostPlatform } from './host-platform.ts'

/** Images where they lie, as the user of this process may see them. Disposing closes connections and the local store. */
export interface CliImageTools extends ImageTools, AsyncDisposable {}

/**
 * Opens registries with the settings of the builder and the credentials of the user, layouts, and the local store where one of `names` is in
 * it (`local://…`). The caller disposes it.
 */
export async function openImageTools(
  host: Host,
  options: {
    readonly names: readonly string[]
    /** Whose registry settings count; absent: those of this machine's engine. */
    readonly builder?: { readonly host: BuilderHost; readonly name: string }
    readonly signal: AbortSignal
  },
): Promise<CliImageTools> {
  await using opening = new AsyncDisposableStack()
  const local = options.names.some(name => name.startsWith('local://'))
    ? await openLocalStore(host, opening)
    : undefined
  const { registries, files } = await registrySettings(host, options)
  const transport = opening.use(new NodeTransport({ proxy: proxySettings(host), files }))
  const registry = new RegistryClient({ transport, registries, credentials: userCredentials(host) })
  const open = imageStoreOpener({
    registry,
    layoutLock: (path, signal) => lock(path, { signal }),
    ...(local === undefined ? {} : { local }),
  })
  const opened = opening.move()
  return {
    open,
    defaultPlatform: hostPlatform(),
    signal: options.signal,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** What the builder was told of registries when it was created, else what the configuration of this machine says. */
async function registrySettings(
  host: Host,
  { builder, signal }: Parameters<typeof openImageTools>[1],
): Promise<{ readonly registries: RegistryConfigs; readonly files: Readonly<Record<string, Uint8Array>> }> {
  const config = builder === undefined ? undefined : await builderConfig(builder.host, builder.name, signal)
  if (config === undefined) return { registries: (await engineConfig(host)).registries, files: {} }
  const { configOf } = await import('../engine/daemon-config.ts')
  return { registries: configOf(config.document).registries, files: config.files }
}

async function openLocalStore(host: Host, opening: AsyncDisposableStack): Promise<LocalStore> {
  const driver = opening.use(await embeddedDriver(host))
  const { state } = await driver.engine()
  const lease = opening.use(state.leases.open())
  return { content: state.content, images: state.images, lease }
}
