import { parseBuildConfig } from '../frontend/build-config.ts'
import { findNamedContext } from '../frontend/named-context.ts'
import { definitionOf, type FrontendScope } from '../frontend/scope.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import type { BridgeRef } from './bridge-ref.ts'
import type { BuildBridge } from './build-bridge.ts'
import { createFrontendBridge } from './frontend-bridge.ts'
import type { FrontendImage } from './gateway-frontend.ts'
import type { RunFrontend } from './gateway-bridge.ts'

/** A frontend image may be replaced by a named context of its name, as images of a build are. */
export function frontendReplacement(
  attributes: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, Definition>>,
  bridge: BuildBridge,
  runFrontend: RunFrontend,
): (source: string) => Promise<FrontendImage | undefined> {
  return async source => {
    if (!Object.keys(attributes).some(key => key.startsWith('context:'))) return undefined
    const adapter = createFrontendBridge(bridge, inputs, runFrontend)
    const scope: FrontendScope<BridgeRef> = {
      bridge: adapter,
      attributes,
      config: parseBuildConfig(attributes, adapter.facts),
      signal: bridge.signal,
      uniqueId: bridge.job.id,
    }
    const request = { platform: undefined, resolveMode: 'default' as const, paths: () => undefined }
    const found = findNamedContext(source, request, scope)
    if (found === undefined) return undefined
    const loaded = await found.load()
    return { definition: definitionOf(loaded.state, scope), config: loaded.image }
  }
}
