import type { ScopeRequest } from '../attest/scope.ts'
import { type BridgeResult, refsOf } from './bridge-ref.ts'
import type { BuildBridge } from './build-bridge.ts'
import type { RunFrontend } from './gateway-bridge.ts'

/** Runs a frontend; what it asks for, and what it was asked, becomes provenance of its result. */
export async function callFrontend(
  runFrontend: RunFrontend,
  request: ScopeRequest,
  bridge: BuildBridge,
): Promise<BridgeResult> {
  const nested = bridge.nested(request)
  const result = await runFrontend(request.frontend, request.options, request.inputs, nested)
  bridge.scope.register(refsOf(result))
  return result
}
