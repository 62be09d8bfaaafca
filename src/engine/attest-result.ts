import { readProvenanceOptions, type ProvenanceOptions } from '../attest/provenance-options.ts'
import type { ExportSource, PlatformResult } from '../exporter/export-source.ts'
import { parseAttestations } from '../frontend/sbom-request.ts'
import type { BridgeResult } from './bridge-ref.ts'
import type { BuildProvenance } from './build-provenance.ts'
import type { EngineServices } from './services.ts'
import { isInlineOnly, unbundle } from './unbundle.ts'

/** Adds the attestations of a result to what is exported: those of its frontend, and provenance where it is wanted. */
export async function attestResult(
  source: ExportSource,
  result: BridgeResult,
  wanted: { readonly provenance: BuildProvenance; readonly options: ProvenanceOptions | undefined },
  services: EngineServices,
  signal: AbortSignal,
): Promise<ExportSource> {
  const platforms = source.results.map(({ id, platform }) => ({ id, platform }))
  const attest = async (one: PlatformResult): Promise<PlatformResult> => {
    const ref = source.multiPlatform ? result.refs.get(one.id) : result.ref
    const given = result.attestations.get(one.id) ?? []
    const attached = await unbundle(given, services.trees, signal)
    const id = source.multiPlatform ? one.id : undefined
    const { provenance, options } = wanted
    const made =
      ref === undefined || options === undefined
        ? undefined
        : provenance.attestation(ref, result, platforms, id, options, signal)
    return {
      ...one,
      attestations: [...one.attestations, ...attached, ...(made === undefined ? [] : [made])],
      ...(given.some(bundle => !isInlineOnly(bundle)) ? { attested: true } : {}),
    }
  }
  return { ...source, results: await Promise.all(source.results.map(attest)) }
}

/** How provenance is asked for by a request; undefined where it is not. Throws `invalid-argument`. */
export function wantedProvenance(
  attributes: Readonly<Record<string, string>>,
): ProvenanceOptions | undefined {
  const fields = parseAttestations(attributes).get('provenance')
  if (fields === undefined) return undefined
  return readProvenanceOptions(fields)
}
