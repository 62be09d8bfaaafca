import { create, toJsonString } from '@bufbuild/protobuf'
import type { ProvenanceScope, ScopeRequest } from '../attest/scope.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { CdiRegistry } from '../executor/cdi/cdi-registry.ts'
import { ProxyLog } from '../executor/proxy/proxy-log.ts'
import type { ProxySettings } from '../executor/proxy/proxy-server.ts'
import type { Platform } from '../oci/descriptor.ts'
import { digestOf, isDigest } from '../oci/digest.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatReference, parsePullReference, withDigest } from '../oci/reference.ts'
import type { SecretContext } from '../ops/secret-source.ts'
import {
  type Definition,
  ExecOpSchema,
  type NetMode,
  type Op,
  OpSchema,
  type SecurityMode,
} from '../proto/gen/ops_pb.ts'
import { type Policy, PolicySchema } from '../proto/gen/source-policy_pb.ts'
import { memo } from '../solver/memo.ts'
import type { Job } from '../solver/solver.ts'
import type { SourceContext } from '../source/source-context.ts'
import type { SolveStatus, VertexWarning } from '../status/solve-status.ts'
import { type BridgeRef, createBridgeRef, treeOf } from './bridge-ref.ts'
import type { CacheEntry, CacheImports } from './cache-imports.ts'
import { captureEdge } from './capture-edge.ts'
import { cacheMountsWithoutCache } from './cache-mount-ids.ts'
import { allowDevices, wantsDevices } from './devices.ts'
import { checkEntitlements, type Entitlements } from './entitlements.ts'
import { clientStep } from './client-step.ts'
import { platformOf } from './platform-message.ts'
import { expandBuilds } from './expand-builds.ts'
import { readRefFile } from './ref-files.ts'
import { PolicyEvaluator } from './policy-evaluator.ts'
import { proxySteps } from './proxied-steps.ts'
import { rewriteSources } from './rewrite-sources.ts'
import type { EngineServices } from './services.ts'
import { type MetadataRequest, type SourceMetadata, sourceMetadata } from './source-metadata.ts'

/** An image configuration as frontends want it. */
export interface ResolvedConfig {
  /** The name as it is after policies. */
  readonly name: string
  /** The name with its digest. */
  readonly reference: string
  /** Digest of what the name stands for: the index, where it is one. */
  readonly digest: string
  readonly config: Uint8Array
}

/** How an image configuration is asked for. */
export interface ConfigRequest {
  readonly reference: string
  readonly platform: Platform | undefined
  readonly resolveMode: string | undefined
  /** Name of the step that shows it: `[internal] load metadata for …`. */
  readonly logName: string | undefined
  /** An OCI layout of the client to look in, instead of a registry. */
  readonly store?: { readonly sessionId: string; readonly storeId: string }
  /** Of the frontend, besides those of the build. */
  readonly policies?: readonly Policy[]
}

/** How a source is asked about. */
export interface SourceRequest extends MetadataRequest {
  readonly logName: string
  readonly policies: readonly Policy[]
}

/** What the frontends of one build have in common. */
export interface BuildBridgeOptions {
  readonly sessions: readonly string[]
  readonly entitlements: Entitlements
  readonly write: (status: SolveStatus) => void
  readonly signal: AbortSignal
  readonly scope: ProvenanceScope
  /** Policies of the client's request, and the session of the client that decides case by case. */
  readonly policies?: readonly Policy[]
  readonly policySession?: string
  /** Steps reach the network through a proxy only. */
  readonly proxyNetwork?: boolean
  readonly imports: CacheImports
  /** What was resolved and emptied so far; absent for the first bridge of a build. */
  readonly memory?: BuildMemory
}

interface BuildMemory {
  readonly cleared: Set<string>
  readonly sources: Map<string, () => Promise<SourceMetadata>>
  readonly notes: Set<string>
}

/**
 * What frontends of one build may ask for: the same for one inside this process, one in a container, and a client that
 * drives the build itself.
 */
export class BuildBridge {
  readonly job: Job
  readonly signal: AbortSignal
  readonly services: EngineServices
  /** Session of the client; empty where it has none. */
  readonly sessionId: string
  readonly #sessions: readonly string[]
  readonly #entitlements: Entitlements
  readonly #write: (status: SolveStatus) => void
  readonly #memory: BuildMemory
  readonly #options: BuildBridgeOptions
  readonly #policy: PolicyEvaluator
  /** What is asked for here, kept for provenance. */
  readonly scope: ProvenanceScope

  constructor(job: Job, services: EngineServices, options: BuildBridgeOptions) {
    this.job = job
    this.services = services
    this.signal = options.signal
    this.#entitlements = options.entitlements
    this.#sessions = options.sessions
    this.sessionId = options.sessions.at(-1) ?? ''
    this.#write = options.write
    this.scope = options.scope
    this.#memory = options.memory ?? { cleared: new Set(), sources: new Map(), notes: new Set() }
    this.#options = options
    this.#policy = new PolicyEvaluator({
      policies: options.policies ?? [],
      session: options.policySession ?? '',
      sessions: services.sessions,
      resolve: question =>
        this.#resolve({ ...question, platform: question.platform ?? services.hostPlatform }),
      signal: options.signal,
    })
  }

  /** The bridge of a frontend that is called from here. */
  nested(request: ScopeRequest): BuildBridge {
    const options = { ...this.#options, scope: this.scope.child(request), memory: this.#memory }
    return new BuildBridge(this.job, this.services, options)
  }

  /** Begins to read caches; trees that are asked for later wait for them. */
  importCaches(entries: readonly CacheEntry[]): void {
    this.#options.imports.add(entries)
  }

  /**
   * A tree of a definition, made when it is looked at. Its sources are those that policies let it have. Throws
   * `permission-denied`, `invalid-argument`.
   */
  async ref(definition: Definition, policies: readonly Policy[] = []): Promise<BridgeRef | undefined> {
    const allowed = await this.#allowed(definition, policies)
    const expanded = await expandBuilds(allowed, async (input, path) => {
      const tree = await treeOf(await this.ref(input, policies))
      return readRefFile(this.services.trees, tree, path, undefined, this.signal)
    })
    const steps = expanded === allowed ? allowed : await this.#allowed(expanded, policies)
    const { proxyNetwork, policies: rules = [], policySession = '' } = this.#options
    if (proxyNetwork !== true) return await this.#ref(steps)
    const ofBuild = [...rules.map(rule => toJsonString(PolicySchema, rule)), policySession]
    const name = this.#policy.isEmpty ? '' : digestOf(Buffer.from(JSON.stringify(ofBuild)))
    return await this.#ref(await proxySteps(steps, name))
  }

  /** What a URL that a process asks for is fetched from; undefined where everything may be fetched. */
  get #checkUrl(): ((url: string) => Promise<string>) | undefined {
    if (this.#policy.isEmpty) return undefined
    return async url => {
      const { identifier, attrs } = await this.#policy.evaluate({ identifier: url, attrs: {} }, undefined)
      if (Object.keys(attrs).length > 0) {
        const what = 'proxy conversion only supports URL updates'
        throw new SlipwayError(
          'permission-denied',
          `source policy converted proxy request to ${identifier}: ${what}`,
        )
      }
      return identifier
    }
  }

  /** How the containers of a frontend reach the network, where that is watched. */
  get proxy(): ProxySettings | undefined {
    if (this.#options.proxyNetwork !== true) return undefined
    const check = this.#checkUrl
    return { log: new ProxyLog(), ...(check === undefined ? {} : { check }) }
  }

  /** The definition with the sources that policies let it have. */
  async #allowed(definition: Definition, policies: readonly Policy[]): Promise<Definition> {
    if (this.#policy.isEmpty && policies.length === 0) return definition
    return rewriteSources(definition, (source, op) =>
      this.#policy.evaluate(source, platformOf(op.platform), policies),
    ).catch((e: unknown) => {
      throw wrapError('failed to load LLB: error evaluating the source policy', e)
    })
  }

  async #ref(definition: Definition): Promise<BridgeRef | undefined> {
    const devices = wantsDevices(definition) ? await this.services.loadDevices() : undefined
    const ref = createBridgeRef(
      definition,
      this.job,
      this.signal,
      op => this.#check(op, devices),
      one => this.#prepare(one),
      edge => captureEdge(this.job, edge, this.services.hostPlatform),
      this.#checkUrl,
    )
    if (ref !== undefined) this.scope.addRef(ref)
    return ref
  }

  /** Caches have been read; steps that are to run without them begin with empty cache mounts, once in a build. */
  async #prepare(definition: Definition): Promise<void> {
    await this.#options.imports.ready()
    const ids = cacheMountsWithoutCache(definition).filter(id => !this.#memory.cleared.has(id))
    for (const id of ids) this.#memory.cleared.add(id)
    if (ids.length > 0) await this.services.cacheMounts.clear(ids)
  }

  /** What must not, or cannot, be run is refused before anything is; steps get the devices that they may have. */
  #check(op: Op, devices?: CdiRegistry): void {
    checkEntitlements(op, this.#entitlements)
    if (op.op.case !== 'exec') return
    if (devices !== undefined) allowDevices(op.op.value, this.#entitlements.devices, devices)
    const { exec, hostPlatform } = this.services
    if (exec.foreignSteps === 'refuse') exec.checkPlatform(platformOf(op.platform) ?? hostPlatform)
  }

  /** A process in a container of a frontend, checked as steps are. */
  checkExec(wish: { readonly network?: NetMode; readonly security?: SecurityMode }): void {
    this.#check(create(OpSchema, { op: { case: 'exec', value: create(ExecOpSchema, wish) } }))
  }

  /** Who may be asked for secrets. */
  get secrets(): SecretContext {
    return { signal: this.signal, sessions: () => this.#sessions }
  }

  /**
   * Resolves a name to the configuration of its image for one platform. Throws `failed to resolve source metadata for …`;
   * where a policy turned the image into something else, with the detail `slipway.NotAnImage`.
   */
  async resolveImageConfig(request: ConfigRequest): Promise<ResolvedConfig> {
    const reference = formatReference(parsePullReference(request.reference))
    const { store } = request
    const platform = request.platform ?? this.services.hostPlatform
    const scheme = store === undefined ? 'docker-image' : 'oci-layout'
    const attrs: Record<string, string> =
      store === undefined ? {} : { 'oci.session': store.sessionId, 'oci.store': store.storeId }
    const { source, image } = await this.resolveSource({
      source: { identifier: `${scheme}://${reference}`, attrs },
      platform,
      resolveMode: request.resolveMode,
      logName: request.logName ?? '',
      gitObjects: false,
      policies: request.policies ?? [],
    }).catch((e: unknown) => {
      throw wrapError(`failed to resolve source metadata for ${reference}`, e)
    })
    const { identifier } = source
    if (image === undefined) {
      throw new SlipwayError(
        'invalid-argument',
        `ref ${reference} was updated to ${identifier}, which is not an image`,
        {
          details: [{ type: 'slipway.NotAnImage', identifier }],
        },
      )
    }
    const name = identifier.slice(identifier.indexOf('://') + 3)
    const resolved = parsePullReference(name)
    if (!isDigest(image.digest)) throw new SlipwayError('internal', `bad digest ${image.digest}`)
    return {
      name,
      reference: formatReference(withDigest(resolved, image.digest)),
      digest: image.digest,
      config: image.config,
    }
  }

  /** Finds out about a source, as far as policies allow it; once in a build for equal requests. */
  async resolveSource(request: SourceRequest): Promise<SourceMetadata> {
    const source = await this.#policy
      .evaluate(request.source, request.platform, request.policies)
      .catch((e: unknown) => {
        throw wrapError('could not resolve image due to policy', e)
      })
    const known = await this.#resolve({ ...request, source })
    const { identifier } = known.source
    if (known.image !== undefined) {
      this.scope.addImage({
        reference: identifier.slice(identifier.indexOf('://') + 3),
        platform: request.platform,
        digest: known.image.digest,
        local: identifier.startsWith('oci-layout:'),
      })
    }
    return known
  }

  warn(warning: VertexWarning): void {
    this.#write({ warnings: [warning] })
  }

  /** Shows a line among the steps, once in a build. */
  async note(text: string): Promise<void> {
    const { notes } = this.#memory
    if (notes.has(text)) return
    notes.add(text)
    await clientStep({ id: `${this.job.id} note ${text}`, name: text }, this.#write, async () => {})
  }

  async #resolve(request: MetadataRequest & { readonly logName: string }): Promise<SourceMetadata> {
    const { source, platform, resolveMode = '', gitObjects, imageConfig = true, logName } = request
    const { checksum, attestations } = request
    const key = JSON.stringify([
      ...[source, formatPlatform(platform), resolveMode, gitObjects, imageConfig, attestations],
      checksum === undefined ? '' : `${checksum.Algo} ${Buffer.from(checksum.Suffix).toString('hex')}`,
    ])
    const { sources } = this.#memory
    let resolve = sources.get(key)
    if (resolve === undefined) {
      const name = logName || `resolve image config for ${source.identifier}`
      resolve = memo(() =>
        clientStep({ id: `${this.job.id} ${key} ${name}`, name }, this.#write, progress => {
          const ctx: SourceContext = { signal: this.signal, progress, sessions: () => this.#sessions }
          return sourceMetadata(request, this.services, ctx)
        }),
      )
      sources.set(key, resolve)
    }
    return resolve()
  }
}
