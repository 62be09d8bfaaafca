import { randomBytes } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import type * as gateway from '../proto/gen/gateway_pb.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { fromRpcStatus } from '../session/errors/wire-error.ts'
import { encodeDefinition } from '../llb/definition.ts'
import type { Ref } from '../snapshot/ref.ts'
import type { FileTree } from '../snapshot/tree.ts'
import type { BridgeApi } from './engine-api.ts'
import { attestationMessages, readAttestations } from './attestation-message.ts'
import { type BridgeRef, type BridgeResult, refsOf, resultOf, treeOf } from './bridge-ref.ts'
import type { BuildBridge } from './build-bridge.ts'
import { cacheEntries } from './cache-imports.ts'
import { callFrontend } from './call-frontend.ts'
import { frontendCapabilities, llbCapabilities } from './capabilities.ts'
import { metadataMessage, wantedAttestations } from './metadata-message.ts'
import { solveError } from './solve-error.ts'
import { statMessage } from './stat-message.ts'
import { platformOf } from './platform-message.ts'
import { GatewayContainer } from './gateway-container.ts'
import { runProcesses } from './gateway-process.ts'
import {
  readRefDirectory,
  readRefFile,
  readTreeDirectory,
  readTreeFile,
  statRefFile,
  statTreeFile,
} from './ref-files.ts'
import { workerRecord } from './worker-record.ts'

/** Runs a frontend of the engine by name. */
export type RunFrontend = (
  name: string,
  options: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, Definition>>,
  bridge: BuildBridge,
) => Promise<BridgeResult>

/** How a build that its client drives has ended. */
export type Returned =
  | { readonly kind: 'result'; readonly result: BridgeResult }
  | { readonly kind: 'error'; readonly error: SlipwayError }

/** The LLBBridge service of one build. */
export class GatewayBridge implements BridgeApi, AsyncDisposable {
  readonly #bridge: BuildBridge
  readonly #runFrontend: RunFrontend
  readonly #inputs: Readonly<Record<string, Definition>>
  readonly #refs = new Map<string, BridgeRef>()
  /** Trees of failed steps. */
  readonly #failed = new Map<string, Ref>()
  readonly #containers = new Map<string, GatewayContainer>()
  readonly returned = Promise.withResolvers<Returned>()

  constructor(
    bridge: BuildBridge,
    runFrontend: RunFrontend,
    inputs: Readonly<Record<string, Definition>> = {},
  ) {
    this.#bridge = bridge
    this.#runFrontend = runFrontend
    this.#inputs = inputs
  }

  ping: BridgeApi['ping'] = async () => ({
    FrontendAPICaps: frontendCapabilities(),
    LLBCaps: llbCapabilities(),
    Workers: [workerRecord(this.#bridge.services)],
  })

  /** Lets the client look at trees by their ids; answers these. */
  expose(refs: readonly BridgeRef[]): readonly string[] {
    for (const ref of refs) this.#refs.set(ref.id, ref)
    return refs.map(({ id }) => id)
  }

  resolveImageConfig: BridgeApi['resolveImageConfig'] = async request => {
    const { name, digest, config } = await this.#bridge.resolveImageConfig({
      reference: request.Ref,
      platform: platformOf(request.Platform),
      resolveMode: request.ResolveMode,
      logName: request.LogName,
      policies: request.SourcePolicies,
      // 1: an OCI layout of the client.
      ...(request.ResolverType === 1
        ? { store: { sessionId: request.SessionID, storeId: request.StoreID } }
        : {}),
    })
    return { Ref: name, Digest: digest, Config: config }
  }

  resolveSourceMeta: BridgeApi['resolveSourceMeta'] = async request => {
    const source = request.Source
    if (source === undefined) throw new SlipwayError('invalid-argument', 'source is required')
    const known = await this.#bridge.resolveSource({
      source: { identifier: source.identifier, attrs: source.attrs },
      platform: platformOf(request.Platform) ?? this.#bridge.services.hostPlatform,
      resolveMode: request.ResolveMode === '' ? undefined : request.ResolveMode,
      logName: request.LogName,
      gitObjects: request.Git?.ReturnObject ?? false,
      imageConfig: request.Image?.NoConfig !== true,
      attestations: wantedAttestations(request.Image),
      checksum: request.HTTP?.ChecksumRequest,
      policies: request.SourcePolicies,
    })
    return metadataMessage(known)
  }

  solve: BridgeApi['solve'] = async request => {
    const result = await this.#solve(request)
    if (request.Evaluate) await Promise.all(refsOf(result).map(ref => this.#treeOf(ref)))
    if (request.Frontend === '') this.#bridge.scope.register(refsOf(result))
    return { result: this.#message(result) }
  }

  readFile: BridgeApi['readFile'] = async request => {
    const { Range } = request
    const range =
      Range === undefined ? undefined : { offset: Number(Range.Offset), length: Number(Range.Length) }
    const { services, signal } = this.#bridge
    return {
      Data: await readRefFile(
        services.trees,
        await this.#treeOf(this.#ref(request.Ref)),
        request.FilePath,
        range,
        signal,
      ),
    }
  }

  readDir: BridgeApi['readDir'] = async request => {
    const { services, signal } = this.#bridge
    const ref = await this.#treeOf(this.#ref(request.Ref))
    const entries = await readRefDirectory(
      services.trees,
      ref,
      request.DirPath,
      request.IncludePattern,
      signal,
    )
    return { entries: entries.map(statMessage) }
  }

  statFile: BridgeApi['statFile'] = async request => {
    const { services, signal } = this.#bridge
    return {
      stat: statMessage(
        await statRefFile(services.trees, await this.#treeOf(this.#ref(request.Ref)), request.Path, signal),
      ),
    }
  }

  evaluate: BridgeApi['evaluate'] = async request => {
    await this.#treeOf(this.#ref(request.Ref))
    return {}
  }

  inputs: BridgeApi['inputs'] = async () => ({ Definitions: { ...this.#inputs } })

  warn: BridgeApi['warn'] = async request => {
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
    const ranges = request.ranges.map(range => ({
      start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
      end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
    }))
    const info = request.info
    const from = info?.definition === undefined ? {} : { definition: encodeDefinition(info.definition) }
    this.#bridge.warn({
      vertex: request.digest,
      level: Number(request.level),
      short: text(request.short),
      detail: request.detail.map(text),
      url: request.url,
      ...(info === undefined
        ? {}
        : { source: { filename: info.filename, data: info.data, language: info.language, ranges, ...from } }),
    })
    return {}
  }

  return: BridgeApi['return'] = async request => {
    const error = request.error === undefined ? undefined : fromRpcStatus(request.error)
    if (error !== undefined) this.returned.resolve({ kind: 'error', error })
    else this.returned.resolve({ kind: 'result', result: this.#read(request.result) })
    return {}
  }

  newContainer: NonNullable<BridgeApi['newContainer']> = async request => {
    const id = request.ContainerID
    const { services, secrets, proxy } = this.#bridge
    const refOf = async (ref: string): Promise<Ref> => this.#failed.get(ref) ?? this.#treeOf(this.#ref(ref))
    const container = await GatewayContainer.open(request, refOf, services, secrets, proxy)
    if (this.#containers.has(id)) {
      await container[Symbol.asyncDispose]()
      throw new SlipwayError('already-exists', `Container ${id} already exists`)
    }
    this.#containers.set(id, container)
    return {}
  }

  releaseContainer: NonNullable<BridgeApi['releaseContainer']> = async request => {
    const container = this.#containers.get(request.ContainerID)
    if (container === undefined)
      throw new SlipwayError('unknown', `container details for ${request.ContainerID} not found`)
    this.#containers.delete(request.ContainerID)
    await container.release()
    return {}
  }

  execProcess: NonNullable<BridgeApi['execProcess']> = (messages, call) =>
    runProcesses(
      messages,
      id => {
        const container = this.#containers.get(id)
        if (container !== undefined) return container
        throw new SlipwayError(
          'not-found',
          `container ${JSON.stringify(id)} previously released or not created`,
        )
      },
      (container, init) => this.#bridge.checkExec({ network: container.network, security: init.Security }),
      call.signal,
    )

  readFileContainer: NonNullable<BridgeApi['readFileContainer']> = async request => {
    const { Range } = request
    const range =
      Range === undefined ? undefined : { offset: Number(Range.Offset), length: Number(Range.Length) }
    return { Data: readTreeFile(this.#containerTree(request), request.FilePath, range) }
  }

  readDirContainer: NonNullable<BridgeApi['readDirContainer']> = async request => ({
    entries: readTreeDirectory(this.#containerTree(request), request.DirPath, request.IncludePattern).map(
      statMessage,
    ),
  })

  statFileContainer: NonNullable<BridgeApi['statFileContainer']> = async request => ({
    stat: statMessage(statTreeFile(this.#containerTree(request), request.Path)),
  })

  /** Ends the containers that the client left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#containers.values()]
    this.#containers.clear()
    await Promise.all(left.map(container => container[Symbol.asyncDispose]()))
  }

  #containerTree({ Ref, MountIndex }: { Ref: string; MountIndex: number }): FileTree {
    const container = this.#containers.get(Ref)
    if (container === undefined)
      throw new SlipwayError('unknown', `container details for ${Ref}@${MountIndex} not found`)
    return container.treeAt(MountIndex)
  }

  /** Makes a tree. Where a step fails, the client can look at what the step left. */
  async #treeOf(ref: BridgeRef | undefined): Promise<Ref> {
    try {
      return await treeOf(ref)
    } catch (e) {
      const remember = (tree: Ref): string => {
        const id = randomBytes(12).toString('hex')
        this.#failed.set(id, tree)
        return id
      }
      throw ref === undefined ? e : solveError(e, ref.definition, remember)
    }
  }

  #ref(id: string): BridgeRef | undefined {
    if (id === '') return undefined
    const ref = this.#refs.get(id)
    if (ref === undefined) throw new SlipwayError('not-found', `no such ref: ${id}`)
    return ref
  }

  async #solve(request: gateway.SolveRequest): Promise<BridgeResult> {
    if (request.Definition !== undefined && request.Definition.def.length > 0) {
      this.#bridge.importCaches(cacheEntries(request.CacheImports))
      const ref = await this.#bridge.ref(request.Definition, request.SourcePolicies)
      return resultOf(ref)
    }
    if (request.Frontend === '') return resultOf(undefined)
    const { Frontend: frontend, FrontendOpt: options, FrontendInputs: inputs } = request
    return callFrontend(this.#runFrontend, { frontend, options, inputs }, this.#bridge)
  }

  /** A result as the client sees it: its trees are known by their ids from now on. */
  #message(result: BridgeResult): MessageInitShape<typeof gateway.ResultSchema> {
    const remember = (ref: BridgeRef): { id: string; def: Definition } => {
      this.#refs.set(ref.id, ref)
      return { id: ref.id, def: ref.definition }
    }
    const metadata = Object.fromEntries(result.metadata)
    const attestations = attestationMessages(result.attestations, remember)
    if (result.refs.size > 0) {
      const refs = Object.fromEntries(
        [...result.refs].map(([key, ref]) => [key, ref === undefined ? { id: '' } : remember(ref)]),
      )
      return { metadata, attestations, result: { case: 'refs', value: { refs } } }
    }
    if (result.ref === undefined)
      return { metadata, attestations, result: { case: 'ref', value: { id: '' } } }
    return { metadata, attestations, result: { case: 'ref', value: remember(result.ref) } }
  }

  #read(result: gateway.Result | undefined): BridgeResult {
    const metadata = new Map(Object.entries(result?.metadata ?? {}))
    const one = result?.result
    const refs = new Map<string, BridgeRef | undefined>()
    let ref: BridgeRef | undefined
    const add = (key: string, id: string): void => {
      refs.set(key, this.#ref(id))
    }
    switch (one?.case) {
      case 'ref':
        ref = this.#ref(one.value.id)
        break
      case 'refs':
        for (const [key, value] of Object.entries(one.value.refs)) add(key, value.id)
        break
      case 'refDeprecated':
        ref = this.#ref(one.value)
        break
      case 'refsDeprecated':
        for (const [key, id] of Object.entries(one.value.refs)) add(key, id)
        break
      default:
    }
    const attestations = readAttestations(result?.attestations ?? {}, id => this.#ref(id))
    return { refs, metadata, attestations, ...(ref === undefined ? {} : { ref }) }
  }
}
