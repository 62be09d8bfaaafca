import { SlipwayError } from '../errors/slipway-error.ts'
import { Build } from './build.ts'
import { builtinFrontend } from './builtin-frontend.ts'
import type { BridgeApi, ControlApi, EngineApi, HistoryContentApi } from './engine-api.ts'
import type { ExporterServices } from './exporters.ts'
import type { RunFrontend } from './gateway-bridge.ts'
import type { PruneRequest } from '../proto/gen/control_pb.ts'
import { historyContent } from './history/history-content.ts'
import { completeRecord, startedRecord } from './history/record-build.ts'
import { statusMessage } from './status-message.ts'
import { pruneRule, usageMessage } from './usage-message.ts'
import { buildkitVersion } from './version.ts'
import { workerRecord } from './worker-record.ts'

/** How long a call waits for the build that it names to begin (ms). */
const appearMs = 6000

/** The engine behind BuildKit's API. */
export class Engine implements EngineApi {
  readonly control: ControlApi
  readonly content: HistoryContentApi
  readonly #services: ExporterServices
  readonly #runFrontend: RunFrontend
  readonly #builds = new Map<string, Build>()
  readonly #waiting = new Map<string, Set<(build: Build) => void>>()
  /** Builds that ended a moment ago and are in no history. */
  readonly #late = new Map<string, Pick<Build, 'hub'>>()
  readonly #running = new Set<Promise<unknown>>()

  constructor(services: ExporterServices, runFrontend: RunFrontend) {
    this.#services = services
    this.#runFrontend = runFrontend
    this.control = this.#controlApi()
    this.content = historyContent(services.content, services.images)
  }

  /** When the builds of now have ended and their records are written; who cancels a build does not wait for that. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async bridge(ref: string, signal: AbortSignal): Promise<BridgeApi> {
    return (await this.#build(ref, signal, appearMs)).bridge
  }

  #controlApi(): ControlApi {
    const { usage, now, lease } = this.#services
    const prune = async function* (
      request: PruneRequest,
      signal: AbortSignal,
    ): ReturnType<ControlApi['prune']> {
      // What is being removed anyway must not be in the way of what it was made on.
      await lease.settled()
      for await (const record of usage.prune(pruneRule(request), now(), signal)) yield usageMessage(record)
    }
    return {
      listWorkers: async () => {
        const devices = await this.#services.loadDevices()
        return { record: [workerRecord(this.#services, devices.list())] }
      },
      info: async () => ({ buildkitVersion: { ...buildkitVersion } }),
      diskUsage: async (request, call) => {
        await lease.settled()
        return { record: (await usage.records(request.filter, call.signal)).map(usageMessage) }
      },
      prune: (request, call) => prune(request, call.signal),
      solve: async (request, call) => {
        if (request.Ref === '')
          throw new SlipwayError('invalid-argument', 'invalid request: a build needs a ref')
        using _held = this.#services.lease.enter()
        const build = new Build(builtinFrontend(request), this.#services, this.#runFrontend)
        this.#add(build)
        try {
          const answer = this.#recorded(build, () => build.run(call.signal))
          this.#running.add(answer)
          answer.finally(() => this.#running.delete(answer)).catch(() => {})
          return { ExporterResponse: await answer }
        } finally {
          this.#builds.delete(build.ref)
          build.close()
          if (request.Internal) this.#keepStatus(build)
        }
      },
      status: (request, call) => this.#status(request.Ref, call.signal),
      listenBuildHistory: (request, call) => this.#services.history.listen(request, call.signal),
      updateBuildHistory: async request => {
        this.#services.history.update(request)
        return {}
      },
    }
  }

  /** Runs a build; what is kept of it is written before anybody learns that it has ended. */
  async #recorded<T>(build: Build, run: () => Promise<T>): Promise<T> {
    const { history, now } = this.#services
    if (build.request.Internal) return run()
    const startedMs = now()
    const started = startedRecord(build.request, startedMs)
    const record = async (error?: unknown): Promise<void> => {
      try {
        await completeRecord(started, await build.end(error), { startedMs, completedMs: now() }, history)
      } catch {
        // A full disk must not make a failure of a build that is exported already: it has no record then.
        history.abandon(build.ref)
      }
    }
    history.begin(started)
    try {
      const answer = await run()
      await record()
      return answer
    } catch (e) {
      await record(e)
      throw e
    }
  }

  async *#status(ref: string, signal: AbortSignal): ReturnType<ControlApi['status']> {
    const ended = this.#builds.has(ref) ? undefined : this.#services.history.status(ref)
    if (ended !== undefined) {
      yield* ended
      return
    }
    const known = this.#builds.get(ref) ?? this.#late.get(ref)
    const { hub } = known ?? (await this.#build(ref, signal, appearMs))
    for await (const status of hub.read(signal)) yield statusMessage(status)
  }

  /** No history has it: who asks for a build that was over before the question came would wait for it to begin. */
  #keepStatus(build: Build): void {
    const { hub } = build
    this.#late.set(build.ref, { hub })
    setTimeout(() => this.#late.delete(build.ref), appearMs).unref()
  }

  #add(build: Build): void {
    this.#builds.set(build.ref, build)
    for (const wake of this.#waiting.get(build.ref) ?? []) wake(build)
    this.#waiting.delete(build.ref)
  }

  /** The build of a ref, waited for. */
  async #build(ref: string, signal: AbortSignal, waitMs: number): Promise<Build> {
    const known = this.#builds.get(ref)
    if (known) return known
    const found = Promise.withResolvers<Build>()
    const missing = (): void => found.reject(new SlipwayError('not-found', `no such job ${ref}`))
    const canceled = (): void => found.reject(new SlipwayError('canceled', 'context canceled'))
    const timer = setTimeout(missing, waitMs)
    const waiting = this.#waiting.get(ref) ?? new Set()
    this.#waiting.set(ref, waiting.add(found.resolve))
    signal.addEventListener('abort', canceled, { once: true })
    try {
      return await found.promise
    } finally {
      clearTimeout(timer)
      waiting.delete(found.resolve)
      signal.removeEventListener('abort', canceled)
    }
  }
}
