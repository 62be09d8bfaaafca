import { ProvenanceScope, type ScopeRequest } from '../attest/scope.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { ExportSource } from '../exporter/export-source.ts'
import type { SolveRequest } from '../proto/gen/control_pb.ts'
import type { Job } from '../solver/solver.ts'
import { type BridgeResult, resultOf } from './bridge-ref.ts'
import { BuildBridge } from './build-bridge.ts'
import { callFrontend } from './call-frontend.ts'
import { clientStep } from './client-step.ts'
import { exportSourceOf } from './export-source.ts'
import { grantedEntitlements } from './entitlements.ts'
import { createExporter, type ExporterServices } from './exporters.ts'
import { GatewayBridge, type RunFrontend } from './gateway-bridge.ts'
import { StatusHub } from './status-hub.ts'

/** One build from its request to its answer. */
export class Build {
  readonly ref: string
  readonly hub = new StatusHub()
  readonly request: SolveRequest
  readonly bridge: GatewayBridge
  readonly #job: Job
  readonly #buildBridge: BuildBridge
  readonly #services: ExporterServices
  readonly #runFrontend: RunFrontend
  readonly #scope: ProvenanceScope
  readonly #abort = new AbortController()

  constructor(request: SolveRequest, services: ExporterServices, runFrontend: RunFrontend) {
    this.request = request
    this.ref = request.Ref
    this.#services = services
    this.#runFrontend = runFrontend
    const sessions = request.Session === '' ? [] : [request.Session]
    this.#job = services.solver.job(request.Ref, { sessions, listener: this.hub.write })
    this.#scope = new ProvenanceScope(services.provenance, scopeRequest(request))
    this.#buildBridge = new BuildBridge(this.#job, services, {
      scope: this.#scope,
      sessions,
      entitlements: grantedEntitlements(request.Entitlements, services.entitlements),
      write: this.hub.write,
      signal: this.#abort.signal,
      policies: request.SourcePolicy === undefined ? [] : [request.SourcePolicy],
      policySession: request.SourcePolicySession,
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
      const result = await this.#result()
      const source = await exportSourceOf(result, this.#services.hostPlatform)
      return await this.#export(source, result)
    } catch (e) {
      stop()
      throw e
    } finally {
      signal.removeEventListener('abort', stop)
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
    const { Frontend, Definition } = this.request
    if (Frontend !== '') return callFrontend(this.#runFrontend, scopeRequest(this.request), this.#buildBridge)
    if (Definition !== undefined && Definition.def.length > 0) return resultOf(await this.#buildBridge.ref(Definition))
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

  async #export(source: ExportSource, result: BridgeResult): Promise<Readonly<Record<string, string>>> {
    const response: Record<string, string> = {}
    for (const [key, value] of result.metadata) {
      if (key.startsWith('frontend.') || key.startsWith('result.'))
        response[key] = Buffer.from(value).toString('utf8')
    }
    const { Exporters, ExporterDeprecated, ExporterAttrsDeprecated, Session } = this.request
    const wanted =
      Exporters.length > 0
        ? Exporters
        : ExporterDeprecated === ''
          ? []
          : [{ Type: ExporterDeprecated, Attrs: ExporterAttrsDeprecated }]
    const exporters = wanted.map((one, id) => createExporter(id, one.Type, one.Attrs, this.#services))
    for (const exporter of exporters) {
      const step = { id: `${this.ref} export ${exporter.id}`, name: exporter.name }
      const answer = await clientStep(step, this.hub.write, progress =>
        exporter.export(source, { signal: this.#abort.signal, progress, sessionId: Session }),
      )
      Object.assign(response, answer)
    }
    return response
  }
}

const scopeRequest = ({ Frontend, FrontendAttrs, FrontendInputs }: SolveRequest): ScopeRequest => ({
  frontend: Frontend,
  options: FrontendAttrs,
  inputs: FrontendInputs,
})
