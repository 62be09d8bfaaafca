import { join } from 'node:path'
import type { EmbeddedDriver } from '../drivers/embedded/embedded-driver.ts'
import type { Host } from './host.ts'
import { hostPlatform } from './host-platform.ts'

/** The state directory of the engine: what the environment says, else the usual place of the user. */
export function stateRoot(host: Host): string {
  const { env } = host
  if (env['SLIPWAY_ROOT']) return env['SLIPWAY_ROOT']
  if (host.uid === 0) return '/var/lib/slipway'
  return join(env['XDG_DATA_HOME'] || join(env['HOME'] || '/', '.local/share'), 'slipway')
}

/** The engine of this machine with the settings of the environment. The caller disposes it. */
export async function embeddedDriver(host: Host): Promise<EmbeddedDriver> {
  const { createEmbeddedDriver } = await import('../drivers/embedded/embedded-driver.ts')
  const { emptyConfig, readDaemonConfig } = await import('../engine/daemon-config.ts')
  const config = host.env['SLIPWAY_CONFIG']
  const native = hostPlatform()
  return createEmbeddedDriver({
    root: stateRoot(host),
    config: config ? readDaemonConfig(config) : emptyConfig,
    machine: { hostPlatform: native, platforms: () => [native], checkPlatform: () => undefined },
    proxy: {},
  })
}
