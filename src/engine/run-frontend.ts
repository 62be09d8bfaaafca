import { SlipwayError } from '../errors/slipway-error.ts'
import { bridgeResult, createFrontendBridge } from './frontend-bridge.ts'
import type { RunFrontend } from './gateway-bridge.ts'

/** Runs a frontend by name; those that are not built in are images. */
export const runFrontend: RunFrontend = async (name, options, inputs, bridge) => {
  if (name !== 'dockerfile.v0') {
    throw new SlipwayError('unimplemented', `failed to find frontend ${name}`, { hint: 'the built-in frontend is dockerfile.v0' })
  }
  const { buildDockerfile } = await import('../frontend/build-dockerfile.ts')
  const adapter = createFrontendBridge(bridge, inputs, bridge.sessionId)
  return bridgeResult(await buildDockerfile(adapter, options, { uniqueId: bridge.job.id, signal: bridge.signal }))
}
