import { join } from 'node:path'
import { RequestStore } from '../attest/request-store.ts'
import { Semaphore } from '../async/semaphore.ts'
import { createSqliteKeyStore } from '../cache/sqlite-key-store.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { ClientSink } from '../exporter/client-sink.ts'
import type { Executor } from '../executor/executor.ts'
import type { CdiRegistry } from '../executor/cdi/cdi-registry.ts'
import { createExecutor, type ExecutorOptions } from '../executor/runc-executor.ts'
import type { TreeCopies } from '../executor/tree-copies.ts'
import type { JsonValue } from '../gostd/json.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { touchDirectoryRecord } from '../content/directory-records.ts'
import { createDiskCacheMounts } from '../ops/disk-cache-mounts.ts'
import type { ForeignSteps } from '../ops/foreign-steps.ts'
import { localSourceFactory } from '../ops/local-source.ts'
import { createSavedResults } from '../ops/saved-results.ts'
import type { SecretSource } from '../ops/secret-source.ts'
import { blobSourceFactory } from '../ops/blob-source.ts'
import { gitSourceFactory } from '../ops/git-source.ts'
import { httpSourceFactory } from '../ops/http-source.ts'
import { imageSourceFactory, layoutSourceFactory, type SourceFactory } from '../ops/source-op.ts'
import { createStackTrees, layersOf } from '../ops/stack-trees.ts'
import type { Transport } from '../registry/http/transport.ts'
import type { RegistryConfigs } from '../registry/registry-config.ts'
import type { SessionStore } from '../session/session.ts'
import { openState, type State } from '../snapshot/open-state.ts'
import { Solver } from '../solver/solver.ts'
import type { GitSource } from '../source/git/git-source.ts'
import type { HttpSource } from '../source/http/http-source.ts'
import { BlobSource } from '../source/image/blob-source.ts'
import { ImageSource } from '../source/image/image-source.ts'
import { openManifestOrigins } from '../source/image/manifest-origins.ts'
import type { CopyNotes } from '../source/local/disk-local-copies.ts'
import type { LocalCopies } from '../source/local/local-copies.ts'
import { type BuildLease, createBuildLease } from './build-lease.ts'
import { type Collection, createDiskUsage } from './disk-usage.ts'
import { Engine } from './engine.ts'
import type { ExporterServices } from './exporters.ts'
import type { RunFrontend } from './gateway-bridge.ts'
import { gitForm } from './git-form.ts'
import { BuildHistory } from './history/build-history.ts'
import { openRecordStore } from './history/record-store.ts'
import { openRunningBuilds } from './history/running-builds.ts'
import { createLayerPacker } from './layer-packer.ts'
import { clientContent, exportStoreId } from '../session/callers/client-content.ts'
import { createLocalDigests } from './local-digests.ts'
import { createOpResolver } from './op-resolver.ts'
import { RegistryLookup, type SessionCredentials } from './registry-lookup.ts'
import type { LogLimits } from '../ops/log-limit.ts'

/** Sources on other machines besides images. */
export interface RemoteSources {
  readonly git: GitSource
  readonly http: HttpSource
}

/** What an engine is made of besides its state directory. */
export interface EngineOptions {
  /** The state directory. */
  readonly root: string
  readonly sessions: SessionStore
  readonly transport: Transport
  readonly registries: RegistryConfigs
  /** Transfers from and to one registry at the same time; undefined for the usual number. */
  readonly maxTransfers: number | undefined
  readonly credentialsOf: (sessions: readonly string[]) => SessionCredentials
  readonly secrets: SecretSource
  readonly sink: (sessionId: string) => Promise<ClientSink>
  readonly localCopies: (state: State, notes: CopyNotes) => LocalCopies
  /** Sources on other machines besides images; `hold` keeps a layer until the builds of now are over. */
  readonly sources: (state: State, hold: (layer: string) => void, blobs: BlobSource) => RemoteSources
  readonly runFrontend: RunFrontend
  /** Identity of the state directory. */
  readonly workerId: string
  readonly hostname: string
  readonly hostPlatform: Platform
  readonly platforms: () => readonly Platform[]
  /** Throws where this machine cannot run the platform, saying what to do. */
  readonly checkPlatform: (platform: Platform) => void
  readonly foreignSteps: ForeignSteps
  /** Steps that work at the same time. */
  readonly parallelism: number
  readonly executor: Omit<ExecutorOptions, 'root' | 'loadCdi' | 'copies'>
  /** Layers are copies rather than overlays, wherever overlays could be had. */
  readonly nativeSnapshots: boolean
  /** How the cache is kept small without anybody asking. */
  readonly collection: Collection
  /** Labels of the worker besides, or in place of, its own. */
  readonly labels: Readonly<Record<string, string>>
  /** How long records of builds are kept. */
  readonly retention: { readonly entries: number; readonly ageMs: number }
  /** What the administrator wants to be said in every provenance. */
  readonly environment: Readonly<Record<string, JsonValue>>
  /** Reads the devices of the machine as they are now. */
  readonly loadDevices: () => Promise<CdiRegistry>
  /** Entitlements that builds may be given; undefined: all that they ask for. */
  readonly entitlements: readonly string[] | undefined
  /** Steps of all builds reach the network through a proxy only. */
  readonly proxyNetwork: boolean
  /** Variables of the process that caches in clouds look at. */
  readonly cloudEnv: Readonly<Record<string, string | undefined>>
  /** How much of the output of steps is shown. */
  readonly logLimits: LogLimits
  /** Caches of GitHub Actions are to be signed or verified. */
  readonly signedGha: boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** An engine with its open state directory. Disposing it lets go of everything but what is kept on disk. */
export interface OpenEngine extends AsyncDisposable {
  readonly engine: Engine
  readonly state: State
  readonly services: ExporterServices
  readonly executor: Executor
}

/** Puts the engine together. Throws as `openState`. */
export async function openEngine(options: EngineOptions): Promise<OpenEngine> {
  await using opening = new AsyncDisposableStack()
  const state = opening.use(
    await openState(options.root, { now: options.now, native: options.nativeSnapshots }),
  )
  const lease = opening.use(createBuildLease(state.leases))
  const executor = await createExecutor({
    ...options.executor,
    loadCdi: options.loadDevices,
    root: join(options.root, 'run'),
    copies: treeCopies(state),
  })
  const localDigests = opening.use(createLocalDigests(state.database))
  const trees = createStackTrees({
    content: state.content,
    snapshotter: state.snapshotter,
    overlayPrefix: state.overlayPrefix,
    lease,
    parentsOf: id => state.layers.get(id).parents,
    localDigests: localDigests.of,
  })
  const lookup = new RegistryLookup({
    transport: options.transport,
    registries: options.registries,
    maxTransfers: options.maxTransfers,
    credentialsOf: options.credentialsOf,
    content: state.content,
    images: state.images,
    sessions: options.sessions,
  })
  const imageSource = new ImageSource(
    { content: state.content, origins: openManifestOrigins(state.database) },
    lookup,
  )
  const blobSource = new BlobSource(state, lookup)
  const remote = options.sources(state, id => lease.hold('layer', id), blobSource)
  const cacheMounts = createDiskCacheMounts(join(options.root, 'cache-mounts'), (layers, target, signal) =>
    state.snapshotter.checkout(layers, target, signal),
  )
  const notes = transientLayers(state, lease, options.now)
  const exec = {
    trees,
    executor,
    cacheMounts,
    secrets: options.secrets,
    checkPlatform: options.checkPlatform,
    foreignSteps: options.foreignSteps,
    hostPlatform: options.hostPlatform,
    transient: notes.transient,
    logLimits: options.logLimits,
  }
  const isUnpacked = (chainId: Digest): boolean => state.layers.findByChainId(chainId) !== undefined
  const schemes: Record<string, SourceFactory> = {
    'docker-image': imageSourceFactory(imageSource, isUnpacked),
    local: localSourceFactory(options.sessions, options.localCopies(state, notes), localDigests.of),
    'oci-layout': layoutSourceFactory(imageSource, isUnpacked),
    'docker-image+blob': blobSourceFactory('docker-image+blob', blobSource),
    'oci-layout+blob': blobSourceFactory('oci-layout+blob', blobSource),
    git: gitSourceFactory(remote.git),
    http: httpSourceFactory('http', remote.http),
    https: httpSourceFactory('https', remote.http),
  }
  const layers = { has: (id: string) => hasLayer(state, id) }
  const solver = new Solver({
    resolveOp: createOpResolver(exec, { schemes }),
    cache: {
      keys: createSqliteKeyStore(state.database),
      results: createSavedResults(layers, state.snapshotter, lease),
    },
    parallelism: new Semaphore(options.parallelism),
    now: options.now,
  })
  const history = new BuildHistory({
    records: openRecordStore(state.database),
    running: openRunningBuilds(state.database),
    content: state.content,
    lease,
    keep: options.retention,
    now: options.now,
  })
  const usage = createDiskUsage(options.root, state, {
    collection: options.collection,
    roots: () => history.roots(),
  })
  lease.onIdle(() => usage.collect(options.now()))
  const services: ExporterServices = {
    content: state.content,
    snapshotter: state.snapshotter,
    images: state.images,
    packer: createLayerPacker(state),
    trees,
    cacheMounts,
    exec,
    sessions: options.sessions,
    solver,
    imageSource,
    ...remote,
    lookup,
    history,
    environment: options.environment,
    provenance: { store: new RequestStore(), gitForm },
    entitlements: options.entitlements,
    proxyNetwork: options.proxyNetwork,
    loadDevices: options.loadDevices,
    workerId: options.workerId,
    labels: options.labels,
    hostname: options.hostname,
    hostPlatform: options.hostPlatform,
    platforms: options.platforms,
    now: options.now,
    lease,
    usage,
    caches: {
      repository: (reference, insecure, sessionId) => lookup.repository(reference, insecure, sessionId),
      async clientStore(sessionId, storeId, signal) {
        return clientContent(await options.sessions.get(sessionId, { signal }), storeId)
      },
      cloud: { transport: options.transport, env: options.cloudEnv, now: options.now },
      signedGha: options.signedGha,
    },
    pushTarget: (reference, settings, ctx) => lookup.pushTarget(reference, settings, ctx),
    sink: options.sink,
    exportStore: async id => clientContent(await options.sessions.get(id), exportStoreId),
    materialize: (ref, signal) => layersOf(ref, trees, signal),
    directories: async (ref, signal) => trees.directories(await trees.stack(ref, signal)),
  }
  const opened = opening.move()
  const engine = new Engine(services, options.runFrontend)
  return {
    engine,
    state,
    services,
    executor,
    async [Symbol.asyncDispose]() {
      await engine.settled()
      await lease.settled()
      await opened.disposeAsync()
    },
  }
}

/** Copies for containers; undefined where they get overlays. */
function treeCopies({ snapshotter }: State): TreeCopies | undefined {
  if (snapshotter.kind === 'overlay') return undefined
  return {
    checkout: (lowers, target, signal) => snapshotter.copyOut(lowers, target, signal),
    capture: (lowers, source, upper) => snapshotter.copyBack(lowers, source, upper),
  }
}

/** Layers that are removed as soon as no build runs any more. */
function transientLayers(state: State, lease: BuildLease, now: () => number): CopyNotes {
  const ids = new Set<string>()
  lease.onIdle(async () => {
    for (const id of ids)
      if (await state.snapshotter.removeUnused(id, Number.MAX_SAFE_INTEGER)) ids.delete(id)
  })
  return {
    used: (folder, description) => touchDirectoryRecord(folder, description, now()),
    transient(id) {
      lease.hold('layer', id)
      ids.add(id)
    },
  }
}

function hasLayer(state: State, id: string): boolean {
  try {
    state.layers.get(id)
    return true
  } catch (e) {
    if (e instanceof SlipwayError && e.code === 'not-found') return false
    throw e
  }
}
