import { SlipwayError } from '../errors/slipway-error.ts'
import { bridgeResult, createFrontendBridge } from './frontend-bridge.ts'
import type { FrontendSettings } from './frontend-settings.ts'
import type { RunFrontend } from './gateway-bridge.ts'

/** Runs frontends by name; those that are not built in are images (`gateway.v0` with a `source`). */
export function createRunFrontend(settings: FrontendSettings): RunFrontend {
  const runFrontend: RunFrontend = async (asked, given, inputs, bridge) => {
    const { name, options } = builtInOf(asked, given)
    if (name === 'gateway.v0' && settings.gateway) {
      const { runGateway } = await import('./gateway-frontend.ts')
      const { frontendReplacement } = await import('./frontend-replacement.ts')
      const replacement = frontendReplacement(options, inputs, bridge, runFrontend)
      return runGateway({ options, inputs, settings, runFrontend, replacement }, bridge)
    }
    if (name === 'dockerfile.v0' && settings.dockerfile) {
      const { buildDockerfile } = await import('../frontend/build-dockerfile.ts')
      const adapter = createFrontendBridge(bridge, inputs, runFrontend)
      const { job, signal } = bridge
      return bridgeResult(await buildDockerfile(adapter, options, { uniqueId: job.id, signal }))
    }
    throw new SlipwayError('unknown', `invalid frontend: ${name}`, {
      hint: 'the built-in frontends are dockerfile.v0 and gateway.v0',
    })
  }
  return runFrontend
}

/** `gateway.v0` with the source `dockerfile.v0` is the built-in frontend, unless a named context replaces that. */
function builtInOf(
  name: string,
  options: Readonly<Record<string, string>>,
): { name: string; options: Readonly<Record<string, string>> } {
  const { source, ...rest } = options
  const isReplaced = Object.keys(options).some(key => /^context:dockerfile\.v0(?:::|$)/.test(key))
  if (name !== 'gateway.v0' || source !== 'dockerfile.v0' || isReplaced) return { name, options }
  return { name: 'dockerfile.v0', options: rest }
}
