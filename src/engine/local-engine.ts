import { availableParallelism, hostname } from 'node:os'
import { join } from 'node:path'
import { systemPath } from '../executor/runtime.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { ForeignSteps } from '../ops/foreign-steps.ts'
import { NodeTransport, type ProxySettings } from '../registry/http/node-transport.ts'
import { SessionStore } from '../session/session.ts'
import { GitSource } from '../source/git/git-source.ts'
import { HttpSource } from '../source/http/http-source.ts'
import { createDiskLocalCopies } from '../source/local/disk-local-copies.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { deviceSettings } from './devices.ts'
import { type OpenEngine, openEngine } from './open-engine.ts'
import { dnsSettings, networkProvider, networkSettings } from './network.ts'
import { historyRetention } from './history/retention.ts'
import { provenanceEnvironment } from './provenance-environment.ts'
import { frontendSettings } from './frontend-settings.ts'
import { createRunFrontend } from './run-frontend.ts'
import { workerId } from './worker-id.ts'
import { registryConcurrency, workerSettings } from './worker-settings.ts'
import { sessionCredentials, sessionSecrets, sessionSink, sessionUpload } from './session-services.ts'
import { logLimits } from '../ops/log-limit.ts'

/** What this machine is, as far as builds care. */
export interface MachineFacts {
  readonly hostPlatform: Platform
  /** Native platform first. */
  readonly platforms: () => readonly Platform[]
  /** Throws where this machine cannot run the platform. */
  readonly checkPlatform: (platform: Platform) => void
}

/** How the engine of this machine is opened. */
export interface LocalEngineOptions {
  readonly root: string
  readonly config: DaemonConfig
  readonly machine: MachineFacts
  readonly proxy: ProxySettings
  /** Directories of programs, separated by colons. */
  readonly searchPath?: string
  /** Variables of this process that caches in clouds look at: `AWS_…`, `AZURE_…`, `BUILDKIT_AZURE_…`, `HOME`. */
  readonly cloudEnv?: Readonly<Record<string, string | undefined>>
  /** BUILDKIT_STEP_LOG_MAX_SIZE and BUILDKIT_STEP_LOG_MAX_SPEED of this process: how much of the output of steps is shown. */
  readonly logEnv?: Readonly<Record<string, string | undefined>>
  /** Entitlements that builds may be given; absent: all that they ask for. */
  readonly entitlements?: readonly string[]
  /** Steps for platforms that this machine does not run: refused before anything is run, or tried nevertheless. */
  readonly foreignSteps?: ForeignSteps
  /** It serves builds for long: it looks after its disk more often. */
  readonly daemon?: boolean
}

/** The engine of this machine with the sessions that it serves. */
export interface LocalEngine extends OpenEngine {
  readonly sessions: SessionStore
  readonly machine: MachineFacts
}

/** Opens the engine over the state directory `root`, in this process. */
export async function openLocalEngine(options: LocalEngineOptions): Promise<LocalEngine> {
  const { root, config, machine } = options
  const worker = workerSettings(config.document, machine.hostPlatform)
  const sessions = new SessionStore()
  const secrets = sessionSecrets(sessions)
  const transport = new NodeTransport({ proxy: options.proxy })
  const devices = deviceSettings(config.document)
  const opened = await openEngine({
    root,
    sessions,
    transport,
    registries: config.registries,
    maxTransfers: registryConcurrency(config.document),
    credentialsOf: ids => sessionCredentials(sessions, ids),
    secrets,
    sink: id => sessionSink(sessions, id),
    localCopies: (state, notes) => createDiskLocalCopies(join(root, 'local'), state.snapshotter, notes),
    sources: (state, hold, blobs) => {
      const http = new HttpSource({
        ...state,
        sessions,
        hold,
        transport,
        secret: (id, ctx) => secrets.get(id, ctx),
        upload: sessionUpload(sessions),
      })
      const git = new GitSource({
        ...state,
        sessions,
        hold,
        root: join(root, 'git'),
        fetchBundle: (bundle, ctx) => blobs.bytes(bundle, ctx),
        secret: (id, ctx) => secrets.get(id, ctx),
        sshAgent: (...args) => secrets.sshAgent(...args),
        env: { PATH: options.searchPath ?? systemPath, ...proxyVariables(options.proxy) },
      })
      return { git, http }
    },
    runFrontend: createRunFrontend(frontendSettings(config.document)),
    workerId: workerId(root),
    hostname: hostname(),
    ...machine,
    foreignSteps: options.foreignSteps ?? 'refuse',
    ...(worker.platforms === undefined ? {} : { platforms: () => worker.platforms ?? [] }),
    parallelism: worker.maxParallelism ?? Math.max(4, availableParallelism() * 2),
    labels: worker.labels,
    nativeSnapshots: worker.nativeSnapshots,
    collection: options.daemon
      ? { rules: worker.gc, everyMs: 60_000, lateFirst: false }
      : { rules: worker.gc, everyMs: 600_000, lateFirst: !worker.ownGc },
    executor: {
      runtime: worker.runtime,
      cgroupParent: worker.cgroupParent,
      apparmorProfile: worker.apparmorProfile,
      searchPath: options.searchPath,
      network: await networkProvider(
        networkSettings(config.document),
        join(root, 'run'),
        options.searchPath ?? systemPath,
      ),
      dns: dnsSettings(config.document),
    },
    retention: historyRetention(config.document['history']),
    environment: provenanceEnvironment(config.document['provenanceEnvDir']),
    entitlements: devices.enabled ? options.entitlements?.concat('device') : options.entitlements,
    loadDevices: devices.load,
    proxyNetwork: config.document['proxyNetwork'] === true,
    cloudEnv: options.cloudEnv ?? {},
    logLimits: logLimits(options.logEnv ?? {}, () => Date.now()),
    signedGha: wantsSignedGha(config.document['ghacache']),
    now: () => Date.now(),
  })
  return {
    ...opened,
    sessions,
    machine,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      transport[Symbol.dispose]()
    },
  }
}

/** Proxies as programs find them. */
function proxyVariables(proxy: ProxySettings): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(proxy)) {
    if (typeof value === 'string') Object.assign(found, { [name]: value, [name.toLowerCase()]: value })
  }
  return found
}

/** Source: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md, `[ghacache]` */
function wantsSignedGha(settings: unknown): boolean {
  if (typeof settings !== 'object' || settings === null) return false
  const { sign, verify } = settings as {
    readonly sign?: unknown
    readonly verify?: { readonly required?: unknown }
  }
  return sign !== undefined || verify?.required === true
}
