import { randomBytes } from 'node:crypto'
import { checkComplete } from '../attest/complete-materials.ts'
import { provenancePredicate, provenanceType } from '../attest/predicate.ts'
import { type ProvenanceOptions, readProvenanceOptions } from '../attest/provenance-options.ts'
import type { ProvenanceScope, ResultPlatform } from '../attest/scope.ts'
import type { Attestation, ExportSource } from '../exporter/export-source.ts'
import { formatPlatform } from '../oci/platform.ts'
import { type BridgeRef, type BridgeResult, refsOf } from './bridge-ref.ts'
import type { RecordedProvenance } from './history/record-build.ts'
import { layerChains } from './layer-chains.ts'
import type { EngineServices } from './services.ts'
import { buildkitVersion } from './version.ts'

/** Tells how the trees of one build were made. */
export class BuildProvenance {
  readonly #scope: ProvenanceScope
  readonly #services: EngineServices
  readonly #compatibility: number
  readonly #startedMs: number
  /** Not chosen by the client, so that it cannot pass for another build. */
  readonly #invocationId = randomBytes(16).toString('hex')
  #finishedMs: number | undefined

  constructor(scope: ProvenanceScope, services: EngineServices, compatibility: number) {
    this.#scope = scope
    this.#services = services
    this.#compatibility = compatibility
    this.#startedMs = services.now()
  }

  /** Provenance of all trees of a result as the history keeps it, whatever was asked for. */
  async ofHistory(
    result: BridgeResult,
    source: ExportSource,
    builderId: string,
  ): Promise<RecordedProvenance[]> {
    const { signal } = new AbortController()
    const platforms = source.results.map(({ id, platform }) => ({ id, platform }))
    const trees = result.refs.size > 0 ? [...result.refs] : ([[undefined, result.ref]] as const)
    const options = { ...readProvenanceOptions({ mode: 'max' }), builderId }
    const recorded: RecordedProvenance[] = []
    for (const [id, ref] of trees) {
      const made = ref && this.attestation(ref, result, platforms, id, options, signal)
      if (made === undefined) continue
      const { predicateType, predicate } = made
      recorded.push({ predicateType, predicate: await predicate(), ...(id === undefined ? {} : { id }) })
    }
    return recorded
  }

  /** The attestation of one tree of a result; undefined where nothing is known of it. Throws as `checkComplete`. */
  attestation(
    ref: BridgeRef,
    result: BridgeResult,
    platforms: readonly ResultPlatform[],
    id: string | undefined,
    options: ProvenanceOptions,
    signal: AbortSignal,
  ): Attestation | undefined {
    const platformId = id === undefined ? {} : { id }
    const found = this.#scope.provenance(ref, { refs: refsOf(result), platforms, ...platformId })
    if (found === undefined) return undefined
    if (options.completeMaterials) checkComplete(found.capture)
    return {
      predicateType: provenanceType[options.version],
      inlineOnly: options.inlineOnly,
      path: options.filename,
      subjects: [],
      sbomCore: false,
      predicate: async () => {
        this.#finishedMs ??= this.#services.now()
        const { packer, hostPlatform, environment } = this.#services
        const chains = options.mode === 'max' ? await layerChains(ref.steps(), packer, signal) : new Map()
        const facts = {
          ...found,
          definition: ref.definition,
          platform: formatPlatform(hostPlatform),
          invocationId: this.#invocationId,
          startedMs: this.#startedMs,
          finishedMs: this.#finishedMs,
          dockerfileVersion: buildkitVersion.dockerfileVersion,
          compatibilityVersion: this.#compatibility,
          environment,
          layers: (digest: string) => chains.get(digest) ?? [],
        }
        return Buffer.from(provenancePredicate(facts, options))
      },
    }
  }
}
