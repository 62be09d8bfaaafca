import type { ProvenanceOptions } from '../attest/provenance-options.ts'
import { ProvenanceScope, type ScopeRequest } from '../attest/scope.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { readCompatibility } from '../exporter/compatibility.ts'
import type { ExporterInstance } from '../exporter/exporter.ts'
import type { ExportSource, InlineCacheOf } from '../exporter/export-source.ts'
import type { SolveRequest } from '../proto/gen/control_pb.ts'
import { finalizeExport, findExporters } from '../session/callers/find-exporters.ts'
import type { Job } from '../solver/solver.ts'
import { attestResult, wantedProvenance } from './attest-result.ts'
import { type BridgeRef, type BridgeResult, resultOf } from './bridge-ref.ts'
import { BuildBridge } from './build-bridge.ts'
import { imageCache, readCacheExports, type WantedCache, writeCache } from './cache-exports.ts'
import { cacheEntries, CacheImports } from './cache-imports.ts'
import { BuildProvenance } from './build-provenance.ts'
import { callFrontend } from './call-frontend.ts'
import { clientStep } from './client-step.ts'
import { exportSourceOf } from './export-source.ts'
import { grantedEntitlements } from './entitlements.ts'
import type { Attributes } from '../exporter/attributes.ts'
import { createExporter, type ExporterServices, withEpoch } from './exporters.ts'
import { GatewayBridge, type RunFrontend } from './gateway-bridge.ts'
import { scanResult } from './scan-result.ts'
import type { BuildEnd } from './history/record-build.ts'
import { StatusHub } from './status-hub.ts'
import { platformWarnings } from './verify-platforms.ts'

/** Outputs that are images. */
const imageTypes: ReadonlySet<string> = new Set(['image', 'registry', 'oci', 'docker'])

/** An output as the client asks for it. */
interface Output {
  readonly Type: string
  readonly Attrs: Attributes
}

/** One build from its request to its answer. */
export class Build {
  readonly ref: string
  readonly hub = new StatusHub()
  readonly request: SolveRequest
  readonly bridge: GatewayBridge
  readonly #compatibility: number
  readonly #job: Job
  readonly #buildBridge: BuildBridge
  readonly #services: ExporterServices
  readonly #runFrontend: RunFrontend
  readonly #scope: ProvenanceScope
  readonly #imports: CacheImports
  readonly #provenance: BuildProvenance
  readonly #wantedProvenance: ProvenanceOptions | undefined
  readonly #responses: Readonly<Record<string, string>>[] = []
  #made: { readonly source: ExportSource; readonly result: BridgeResult } | undefined
  readonly #abort = new AbortController()

  constructor(request: SolveRequest, services: ExporterServices, runFrontend: RunFrontend) {
    this.#compatibility = readCompatibility(Number(request.CompatibilityVersion))
    this.request = request
    this.ref = request.Ref
    this.#services = services
    this.#runFrontend = runFrontend
    this.#wantedProvenance = wantedProvenance(request.FrontendAttrs)
    const sessions = request.Session === '' ? [] : [request.Session]
    this.#job = services.solver.job(request.Ref, { sessions, listener: this.hub.write })
    this.#scope = new ProvenanceScope(services.provenance, scopeRequest(request))
    this.#provenance = new BuildProvenance(this.#scope, services, this.#compatibility)
    this.#imports = new CacheImports({
      job: this.#job,
      services: services.caches,
      transfers: services.imageSource.transfers,
      sessionId: request.Session,
      write: this.hub.write,
      signal: this.#abort.signal,
    })
    this.#buildBridge = new BuildBridge(this.#job, services, {
      imports: this.#imports,
      scope: this.#scope,
      sessions,
      entitlements: grantedEntitlements(request.Entitlements, services.entitlements),
      write: this.hub.write,
      signal: this.#abort.signal,
      policies: request.SourcePolicy === undefined ? [] : [request.SourcePolicy],
      policySession: request.SourcePolicySession,
      proxyNetwork: request.ProxyNetwork || services.proxyNetwork,
    })
    this.bridge = new GatewayBridge(this.#buildBridge, runFrontend, request.FrontendInputs)
  }

  /** Steps of the build so far. */
  counts(): ReturnType<Job['counts']> {
    return this.#job.counts()
  }

  /** Runs to the end; answers what exporters say. Aborting stops all that only this build waits for. */
  async run(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const stop = (): void => this.#abort.abort(new SlipwayError('canceled', 'context canceled'))
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      const { Cache, Session } = this.request
      // A client opens its session while it asks for the build; one without it cannot be asked for anything.
      if (Session !== '') await this.#services.sessions.get(Session, { signal }).catch(() => undefined)
      const outputs = this.#outputs()
      const attrs = outputs.filter(one => imageTypes.has(one.Type)).map(one => one.Attrs)
      const caches = readCacheExports(cacheEntries(Cache?.Exports ?? []), this.#services.caches, attrs)
      const exporters = this.#exporters(outputs)
      const result = await this.#result()
      const whole = await exportSourceOf(result, this.#services.hostPlatform)
      const made = { ...whole, compatibility: this.#compatibility }
      this.#made = { source: made, result }
      await this.#warnOfPlatforms(made, result)
      const attested = await this.#attested(made, result)
      const source = caches.inline ? { ...attested, inlineCache: this.#inlineCache(result) } : attested
      const chosen = await this.#chosenExporters(result, exporters.length)
      const exported = await this.#export([...exporters, ...chosen], source, result)
      const response = { ...exported, ...(await this.#writeCaches(caches.caches, source, result)) }
      await this.#finalize(response)
      return response
    } catch (e) {
      stop()
      throw e
    } finally {
      signal.removeEventListener('abort', stop)
      await this.bridge[Symbol.asyncDispose]()
    }
  }

  async #warnOfPlatforms(made: ExportSource, result: BridgeResult): Promise<void> {
    if (result.ref === undefined && result.refs.size === 0) return
    const platforms = { platforms: made.results.map(one => one.platform), multiPlatform: made.multiPlatform }
    const requested = this.request.FrontendAttrs['platform']
    const warnings = platformWarnings(requested, platforms, this.#services.hostPlatform)
    if (warnings.length === 0) return
    const step = { id: `${this.ref} verify`, name: 'Verifying build result' }
    await clientStep(step, this.hub.write, async progress => {
      for (const short of warnings) progress.warn({ level: 0, short })
    })
  }

  /** What the history keeps of the build, which has ended. */
  async end(error: unknown): Promise<BuildEnd> {
    const made = this.#made
    const builderId = this.#wantedProvenance?.builderId ?? ''
    return {
      messages: this.hub.messages,
      metadata: made?.result.metadata ?? new Map(),
      responses: this.#responses,
      provenance:
        made === undefined ? [] : await this.#provenance.ofHistory(made.result, made.source, builderId),
      ...(error === undefined ? {} : { error }),
    }
  }

  /** Lets go of everything the build held; its status ends. */
  close(): void {
    this.#abort.abort(new SlipwayError('canceled', 'context canceled'))
    this.#job[Symbol.dispose]()
    this.#scope[Symbol.dispose]()
    this.hub.end()
  }

  async #result(): Promise<BridgeResult> {
    const { Frontend, Definition, Cache } = this.request
    if (Frontend !== '') return callFrontend(this.#runFrontend, scopeRequest(this.request), this.#buildBridge)
    // A definition without steps is the empty tree; without one the client drives the build through the gateway.
    if (Definition !== undefined) {
      // Frontends name the caches themselves, once they know what is to be built.
      this.#imports.add(cacheEntries(Cache?.Imports ?? []))
      return resultOf(Definition.def.length > 0 ? await this.#buildBridge.ref(Definition) : undefined)
    }
    const canceled = Promise.withResolvers<never>()
    const onAbort = (): void => canceled.reject(new SlipwayError('canceled', 'context canceled'))
    this.#abort.signal.addEventListener('abort', onAbort, { once: true })
    try {
      const returned = await Promise.race([this.bridge.returned.promise, canceled.promise])
      if (returned.kind === 'error') throw returned.error
      return returned.result
    } finally {
      this.#abort.signal.removeEventListener('abort', onAbort)
    }
  }

  #outputs(): readonly Output[] {
    const { Exporters, ExporterDeprecated, ExporterAttrsDeprecated } = this.request
    if (Exporters.length > 0) return Exporters
    return ExporterDeprecated === '' ? [] : [{ Type: ExporterDeprecated, Attrs: ExporterAttrsDeprecated }]
  }

  #exporters(outputs: readonly Output[]): readonly ExporterInstance[] {
    const { FrontendAttrs } = this.request
    return outputs.map((one, id) =>
      createExporter(id, one.Type, withEpoch(one.Attrs, FrontendAttrs), this.#services),
    )
  }

  /** Exporters that the client chooses now that it can look at the result. */
  async #chosenExporters(result: BridgeResult, first: number): Promise<readonly ExporterInstance[]> {
    if (!this.request.EnableSessionExporter) return []
    const { signal } = this.#abort
    const caller = await this.#services.sessions.get(this.request.Session, { signal })
    const metadata = Object.fromEntries(result.metadata)
    const trees = result.refs.size > 0 ? [...result.refs.values()] : [result.ref]
    const refs = this.bridge.expose(trees.filter(ref => ref !== undefined))
    const chosen = await findExporters(caller, metadata, refs, signal)
    return chosen.map(({ type, attrs }, i) => createExporter(first + i, type, attrs, this.#services))
  }

  /** Tells a client that wants to know what the exporters answered; its refusal fails the build. */
  async #finalize(response: Readonly<Record<string, string>>): Promise<void> {
    if (!this.request.EnableSessionExporter) return
    const { signal } = this.#abort
    const caller = await this.#services.sessions.get(this.request.Session, { signal })
    await finalizeExport(caller, response, signal)
  }

  async #export(
    exporters: readonly ExporterInstance[],
    source: ExportSource,
    result: BridgeResult,
  ): Promise<Readonly<Record<string, string>>> {
    const response: Record<string, string> = {}
    for (const [key, value] of result.metadata) {
      if (key.startsWith('frontend.') || key.startsWith('result.'))
        response[key] = Buffer.from(value).toString('utf8')
    }
    const { Session } = this.request
    for (const exporter of exporters) {
      const step = { id: `${this.ref} export ${exporter.id}`, name: exporter.name }
      const answer = await clientStep(step, this.hub.write, progress =>
        exporter.export(source, { signal: this.#abort.signal, progress, sessionId: Session }),
      )
      Object.assign(response, answer)
      this.#responses.push(answer)
    }
    return response
  }

  async #attested(source: ExportSource, result: BridgeResult): Promise<ExportSource> {
    const wanted = { provenance: this.#provenance, options: this.#wantedProvenance }
    const ids = source.results.map(({ id }) => id)
    const scanned = await scanResult(result, ids, this.request.FrontendAttrs, this.#buildBridge)
    return attestResult(source, scanned, wanted, this.#services, this.#abort.signal)
  }

  /** Writes the caches that were asked for, once all outputs are there. */
  async #writeCaches(
    caches: readonly WantedCache[],
    source: ExportSource,
    result: BridgeResult,
  ): Promise<Readonly<Record<string, string>>> {
    const response: Record<string, string> = {}
    const roots = source.results.map(({ id }) => refFor(result, id)?.keys() ?? [])
    const keys = { roots, sources: this.#job.cacheSources }
    const sessionId = this.request.Session
    for (const [i, cache] of caches.entries()) {
      const step = { id: `${this.ref} cache ${i}`, name: cache.exporter.name }
      try {
        const answer = await clientStep(step, this.hub.write, progress =>
          writeCache(cache, keys, this.#services, { signal: this.#abort.signal, progress, sessionId }),
        )
        Object.assign(response, answer)
      } catch (e) {
        if (!cache.ignoreError || this.#abort.signal.aborted) throw e
      }
    }
    return response
  }

  /** The cache of an image of this build, for its configuration. */
  #inlineCache(result: BridgeResult): InlineCacheOf {
    return ({ id }, layers, compression, ctx) => {
      const keys = refFor(result, id)?.keys() ?? []
      const options = { sources: this.#job.cacheSources, compression }
      return ctx.progress.step('preparing layers for inline cache', () =>
        imageCache(keys, layers, options, this.#services, ctx),
      )
    }
  }
}

const refFor = (result: BridgeResult, id: string): BridgeRef | undefined =>
  result.refs.size > 0 ? result.refs.get(id) : result.ref

const scopeRequest = ({ Frontend, FrontendAttrs, FrontendInputs }: SolveRequest): ScopeRequest => ({
  frontend: Frontend,
  options: FrontendAttrs,
  inputs: FrontendInputs,
})
