import type { ProvenanceScope, ScopeRequest } from '../attest/scope.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatReference, parsePullReference, parseReference, withDefaultTag, withDigest } from '../oci/reference.ts'
import type { Definition, Op } from '../proto/gen/ops_pb.ts'
import { memo } from '../solver/memo.ts'
import type { Job } from '../solver/solver.ts'
import { parseResolveMode } from '../source/image/resolve-mode.ts'
import type { SourceContext } from '../source/source-context.ts'
import type { SolveStatus, VertexWarning } from '../status/solve-status.ts'
import { type BridgeRef, createBridgeRef } from './bridge-ref.ts'
import { captureEdge } from './capture-edge.ts'
import { cacheMountsWithoutCache } from './cache-mount-ids.ts'
import { checkEntitlements } from './entitlements.ts'
import { clientStep } from './client-step.ts'
import { platformOf } from './platform-message.ts'
import type { EngineServices } from './services.ts'

/** An image configuration as frontends want it. */
export interface ResolvedConfig {
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
}

/** What the frontends of one build have in common. */
export interface BuildBridgeOptions {
  readonly sessions: readonly string[]
  readonly entitlements: ReadonlySet<string>
  readonly write: (status: SolveStatus) => void
  readonly signal: AbortSignal
  readonly scope: ProvenanceScope
  /** What was resolved and emptied so far; absent for the first bridge of a build. */
  readonly memory?: BuildMemory
}

interface BuildMemory {
  readonly cleared: Set<string>
  readonly configs: Map<string, () => Promise<ResolvedConfig>>
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
  readonly #entitlements: ReadonlySet<string>
  readonly #write: (status: SolveStatus) => void
  readonly #memory: BuildMemory
  readonly #options: BuildBridgeOptions
  /** What is asked for here, kept for provenance. */
  readonly scope: ProvenanceScope

  constructor(
    job: Job,
    services: EngineServices,
    options: BuildBridgeOptions,
  ) {
    this.job = job
    this.services = services
    this.signal = options.signal
    this.#entitlements = options.entitlements
    this.#sessions = options.sessions
    this.sessionId = options.sessions.at(-1) ?? ''
    this.#write = options.write
    this.scope = options.scope
    this.#memory = options.memory ?? { cleared: new Set(), configs: new Map() }
    this.#options = options
  }

  /** The bridge of a frontend that is called from here. */
  nested(request: ScopeRequest): BuildBridge {
    const options = { ...this.#options, scope: this.scope.child(request), memory: this.#memory }
    return new BuildBridge(this.job, this.services, options)
  }

  /** A tree of a definition, made when it is looked at. */
  ref(definition: Definition): BridgeRef | undefined {
    const ref = createBridgeRef(
      definition,
      this.job,
      this.signal,
      op => this.#check(op),
      one => this.#clearCaches(one),
      edge => captureEdge(this.job, edge, this.services.hostPlatform),
    )
    if (ref !== undefined) this.scope.addRef(ref)
    return ref
  }

  /** Steps that are to run without the cache begin with empty cache mounts, once in a build. */
  async #clearCaches(definition: Definition): Promise<void> {
    const ids = cacheMountsWithoutCache(definition).filter(id => !this.#memory.cleared.has(id))
    for (const id of ids) this.#memory.cleared.add(id)
    if (ids.length > 0) await this.services.cacheMounts.clear(ids)
  }

  /** What must not, or cannot, be run is refused before anything is. */
  #check(op: Op): void {
    checkEntitlements(op, this.#entitlements)
    if (op.op.case === 'exec') this.services.checkPlatform(platformOf(op.platform) ?? this.services.hostPlatform)
  }

  /** Resolves a name to the configuration of its image for one platform; once in a build for equal requests. */
  async resolveImageConfig(request: ConfigRequest): Promise<ResolvedConfig> {
    const platform = request.platform ?? this.services.hostPlatform
    const key = [request.reference, formatPlatform(platform), request.resolveMode ?? ''].join('|')
    let resolve = this.#memory.configs.get(key)
    if (resolve === undefined) {
      resolve = memo(() => this.#resolve(request, platform, key))
      this.#memory.configs.set(key, resolve)
    }
    const resolved = await resolve()
    this.scope.addImage({
      reference: formatReference(withDefaultTag(parseReference(request.reference))),
      platform,
      digest: resolved.digest,
      local: request.store !== undefined,
    })
    return resolved
  }

  warn(warning: VertexWarning): void {
    this.#write({ warnings: [warning] })
  }

  async #resolve(request: ConfigRequest, platform: Platform, key: string): Promise<ResolvedConfig> {
    const reference = parsePullReference(request.reference)
    const name = request.logName || `resolve image config for ${formatReference(reference)}`
    return clientStep({ id: `${this.job.id} ${key} ${name}`, name }, this.#write, async progress => {
      const ctx: SourceContext = { signal: this.signal, progress, sessions: () => this.#sessions }
      const mode = parseResolveMode(request.resolveMode)
      const image = await this.services.imageSource.resolve({ reference, platform, mode }, ctx)
      const { digest } = image.root.descriptor
      if (reference.digest !== undefined && reference.digest !== digest) {
        throw new SlipwayError('data-loss', `${request.reference} resolved to ${digest}`)
      }
      return { reference: formatReference(withDigest(reference, digest)), digest, config: image.configBytes }
    })
  }
}
