import { createScanner } from '../frontend/sbom.ts'
import { parseSbom } from '../frontend/sbom-request.ts'
import { definitionState } from '../llb/import-definition.ts'
import { parseResolveMode } from '../source/image/resolve-mode.ts'
import type { BridgeAttestation, BridgeResult } from './bridge-ref.ts'
import type { BuildBridge } from './build-bridge.ts'
import { createFrontendBridge } from './frontend-bridge.ts'

const spdx = 'https://spdx.dev/Document'

/**
 * Scans a result whose frontend made no bill of materials although one is wanted. `platforms`: keys of the result in
 * order. Throws `invalid-argument` for a request that makes no sense.
 */
export async function scanResult(
  result: BridgeResult,
  platforms: readonly string[],
  attributes: Readonly<Record<string, string>>,
  bridge: BuildBridge,
): Promise<BridgeResult> {
  const request = parseSbom(attributes)
  const scanned = [...result.attestations.values()].flat().some(one => one.predicateType === spdx)
  if (request === undefined || scanned) return result
  const scope = {
    bridge: createFrontendBridge(bridge, {}),
    config: {
      buildPlatforms: bridge.services.platforms().slice(0, 1),
      resolveMode: parseResolveMode(attributes['image-resolve-mode']),
    },
    signal: bridge.signal,
    uniqueId: bridge.job.id,
    epoch: attributes['build-arg:SOURCE_DATE_EPOCH'],
  }
  const scan = await createScanner(request, scope)
  const attestations = new Map(result.attestations)
  for (const id of platforms) {
    const ref = result.refs.size > 0 ? result.refs.get(id) : result.ref
    if (ref === undefined) continue
    const state = definitionState(ref.definition)
    const made = await scan(id, { state, scanExtras: new Map(), ignoresCache: attributes['no-cache'] === '' })
    const attestation: BridgeAttestation = { ...made, subjects: [] }
    await attestation.ref?.result()
    attestations.set(id, [...(attestations.get(id) ?? []), attestation])
  }
  return { ...result, attestations }
}
