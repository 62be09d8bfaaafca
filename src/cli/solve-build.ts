import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { type BuildInputs, prepareInputs } from '../build/build-inputs.ts'
import type { BuildRequest } from '../build/build-request.ts'
import { completeCacheEntry } from '../build/complete-cache-entry.ts'
import { envSwitch } from '../build/env-switch.ts'
import { type DriverOutputs, driverOutputs, type LoadTarget } from '../build/driver-outputs.ts'
import { buildOnNodes, type NodesBuildOptions, type NodesBuildResult } from '../build/multi-node.ts'
import type { ResolvedOutput } from '../build/outputs.ts'
import { remoteContextError } from '../build/remote-context-error.ts'
import type { InvokeConfig } from '../build/invoke-config.ts'
import { newBuildRef, type RunBuildOptions } from '../build/run-build.ts'
import { type TargetLinks, withTrees } from '../build/target-links.ts'
import type { Builder, BuilderNode } from '../builder/builder.ts'
import { type BuilderHost, openPlaces } from '../builder/builder-host.ts'
import { saveBuildState } from '../builder/local-state.ts'
import { clientId } from '../builder/node-id.ts'
import { resolveBuilder } from '../builder/resolve-builder.ts'
import { type ResolvedNodes, resolveNodes } from '../builder/resolve-nodes.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import { defaultColors } from '../progress/colors.ts'
import type { ProgressPrinter } from '../progress/printer.ts'
import { warningsText } from '../progress/warnings.ts'
import type { Attachable } from '../session/attachable.ts'
import { uploads } from '../session/attachables/upload.ts'
import { clientStep } from '../progress/client-step.ts'
import type { StatusWriter, VertexWarning } from '../status/solve-status.ts'
import { fetchDockerfile } from './fetch-dockerfile.ts'
import { withBuildRef } from './build-details.ts'
import { buildState } from './build-state.ts'
import { openBuilderHost } from './builder-host.ts'
import { authAttachable, outputsAttachable, secretsAttachable, sshAttachable } from './client-attachables.ts'
import { proxySettings, RanElsewhere } from './embedded.ts'
import { gitAttributes } from './git-attributes.ts'
import type { GlobalOptions } from './global-flags.ts'
import type { Host } from './host.ts'
import { withHostGateway } from './host-gateway.ts'
import { hostPlatform } from './host-platform.ts'
import { loadTarget, pushByDocker } from './docker-images.ts'
import { mergePushed } from './merge-pushed.ts'
import { openImageTools } from './open-image-tools.ts'
import { checkDisplay, openProgress, progressMode } from './open-progress.ts'
import { provenanceMetadata } from './provenance-metadata.ts'
import { readSourcePolicy } from './read-source-policy.ts'

/** What a build is done with. */
export interface SolveContext {
  readonly host: Host
  readonly globals: GlobalOptions
  readonly progress: string
  readonly quiet: boolean
  /** How much provenance of the history is put into the answer; absent: none. */
  readonly provenance?: 'min' | 'max'
  readonly signal: AbortSignal
  /** Comes before messages of what fails once the builder is known. */
  readonly failure?: string
  /** The build stops for the user to look at it. */
  readonly debug?: InvokeConfig
}

/** How a build ended, and where. */
export interface SolvedBuild extends Omit<NodesBuildResult, 'node'> {
  /** What was warned of, each once. */
  readonly warnings?: readonly VertexWarning[]
  readonly builder: string
  readonly driver: string
  readonly node: string
}

/** Builds on the chosen builder, with progress on standard error; `outputs` are those of the request, resolved. */
export async function solveBuild(
  request: BuildRequest,
  outputs: readonly ResolvedOutput[],
  context: SolveContext,
): Promise<SolvedBuild> {
  const { host, globals, signal } = context
  // First of all: as an ordinary user the command may have to begin anew, with its standard input untouched.
  await using builderHost = openBuilderHost(host, globals)
  const builder = await resolveBuilder(builderHost, globals.builder, {
    signal,
    // What pods are chosen by: buildx goes by the absolute path too.
    contextKey: resolve(host.cwd, request.context),
    touch: true,
    validate: true,
  })
  await checkDisplay(host, context)
  const notes: string[] = []
  let progress: ProgressPrinter | undefined
  const display = async (): Promise<ProgressPrinter> =>
    (progress ??= await openProgress(host, {
      progress: context.progress,
      quiet: context.quiet,
      label: `${builder.driverName}:${builder.name}`,
      description: `building with ${JSON.stringify(builder.name)} instance using ${builder.driverName} driver`,
    }))
  try {
    await using inputs = await prepareInputs(request, {
      cwd: host.cwd,
      tempDir: tmpdir(),
      stdin: host.stdin.stream,
      ...gitAsInput(host),
      download: async url => await fetchDockerfile(url, builder, (await display()).write, signal),
    })
    const shown = await display()
    const { write } = shown
    const debug = await debugging(context, shown)
    const solving = new Solving({
      ...{ request, outputs, inputs, builder, builderHost, write, context, notes },
      ...debug,
    })
    const solved = await solving.run()
    return { ...solved, warnings: shown.warnings }
  } catch (e) {
    throw failureOf(e, context)
  } finally {
    await progress?.[Symbol.asyncDispose]()
    for (const note of new Set(notes)) host.stderr.write(`${note}\n`)
    if (progress !== undefined && showsResults(context)) {
      host.stderr.write(
        warningsText(progress.warnings, { debug: globals.debug, color: defaultColors.warning }),
      )
    }
  }
}

/** BUILDX_SEND_GIT_QUERY_AS_INPUT; what is neither true nor false is false. */
export function gitAsInput({ env }: Pick<Host, 'env'>): { readonly gitAsInput?: Platform } {
  const isWanted = tryParseBool(env['BUILDX_SEND_GIT_QUERY_AS_INPUT'] ?? '') === true
  return isWanted ? { gitAsInput: hostPlatform() } : {}
}

async function debugging(
  { host, debug, signal }: SolveContext,
  printer: ProgressPrinter,
): Promise<Pick<RunBuildOptions, 'debug'>> {
  if (debug === undefined) return {}
  const { stopBuild } = await import('./monitor/stop-build.ts')
  return { debug: stopBuild(host, debug, printer, signal) }
}

const failureOf = (e: unknown, { failure }: SolveContext): unknown =>
  failure === undefined || e instanceof RanElsewhere ? e : wrapError(failure, e)

/** Whether the display is one for people: only then is anything written about warnings and results. */
export function showsResults({ host, ...asked }: Pick<SolveContext, 'host' | 'progress' | 'quiet'>): boolean {
  return ['auto', 'tty', 'plain'].includes(progressMode(asked, host.env))
}

/** One build on a builder, everything around it being open. */
export interface SolvingOptions extends Pick<RunBuildOptions, 'debug'> {
  readonly request: BuildRequest
  /** Those of the request, resolved. */
  readonly outputs: readonly ResolvedOutput[]
  readonly inputs: BuildInputs
  readonly builder: Builder
  readonly builderHost: BuilderHost
  readonly write: StatusWriter
  readonly context: Pick<SolveContext, 'host' | 'signal' | 'provenance'>
  /** Takes lines that the user is to read when the display is closed. */
  readonly notes: string[]
  /** The target of a bake file that this is, and the others that it may use. */
  readonly target?: {
    readonly name: string
    readonly links: TargetLinks
    /** Reference of its build, and that of all builds of the call. */
    readonly ref: string
    readonly groupRef: string
    /** Contexts that are graphs, by name; `context` is that of the build. */
    readonly trees?: Readonly<Record<string, Definition>>
  }
}

/** Runs one build on the nodes of a builder. */
export class Solving {
  readonly #request: BuildRequest
  readonly #outputs: readonly ResolvedOutput[]
  readonly #inputs: BuildInputs
  readonly #builder: Builder
  readonly #builderHost: BuilderHost
  readonly #write: StatusWriter
  readonly #context: SolvingOptions['context']
  readonly #notes: string[]
  readonly #target: SolvingOptions['target']
  readonly #debug: Pick<RunBuildOptions, 'debug'>
  readonly #ref: string
  /** The first node that was asked to build. */
  #begunOn: string | undefined

  constructor(options: SolvingOptions) {
    this.#request = options.request
    this.#outputs = options.outputs
    this.#inputs = options.inputs
    this.#builder = options.builder
    this.#builderHost = options.builderHost
    this.#write = options.write
    this.#context = options.context
    this.#notes = options.notes
    this.#target = options.target
    this.#debug = options.debug === undefined ? {} : { debug: options.debug }
    this.#ref = options.target?.ref ?? newBuildRef()
  }

  async run(): Promise<SolvedBuild> {
    const { host, signal } = this.#context
    const write = this.#write
    const { platforms } = this.#request
    const warn = (line: string): void => void this.#notes.push(`WARNING: ${line}`)
    const resolved = await resolveNodes(this.#builder, { platforms, write, warn, signal })
    const { driver } = resolved.nodes[resolved.assignments[0]?.node ?? 0] ?? {}
    const extraHosts = await withHostGateway(this.#request.extraHosts, driver, signal)
    const request = { ...this.#request, extraHosts }
    await using stack = new AsyncDisposableStack()
    const stdin = await this.#stdin(resolved.nodes.length > 1, stack)
    const shared = [
      authAttachable(host),
      await secretsAttachable(request.secrets, host),
      await sshAttachable(request.ssh, request.context, host),
    ]
    const sourcePolicy = readSourcePolicy(host)
    const git = await this.#git()
    const load = await this.#load()
    let plan: DriverOutputs | undefined
    const result = await buildOnNodes(resolved, {
      request,
      inputs: {
        ...this.#inputs,
        sharedKey: this.#sharedKey(),
        frontendAttrs: { ...this.#withNode(this.#inputs.frontendAttrs), ...stdin.attrs, ...git },
      },
      outputs: this.#outputs,
      outputsFor: async node => {
        plan = await this.#outputsFor(node, load, resolved.nodes.length > 1)
        return plan
      },
      attachables: () => [...shared, ...stdin.attachables()],
      receivers: list => outputsAttachable(list, host),
      mergePushed: (names, images) => mergePushed(names, images, { host, write, signal }),
      cacheRepository: async reference => {
        const tools = stack.use(await openImageTools(host, { names: [], signal }))
        return tools.open({ kind: 'registry', reference })
      },
      note: line => this.#notes.push(line),
      now: () => host.now(),
      warn,
      cwd: host.cwd,
      ...(sourcePolicy === undefined ? {} : { sourcePolicy }),
      complete: entry =>
        completeCacheEntry(entry, {
          env: host.env,
          proxy: proxySettings(host),
          now: () => host.now(),
          signal,
        }),
      onStatus: write,
      tempDir: tmpdir(),
      hostPlatform: hostPlatform(),
      ref: this.#ref,
      ...this.#debug,
      ...this.#finished(),
      ...this.#links(resolved),
      stdout: host.stdout.stream,
      signal,
    }).catch((e: unknown) => {
      const error = remoteContextError(e, request)
      const { name, driverName } = this.#builder
      const isKnown = this.#begunOn !== undefined && driverName !== 'embedded' && request.call === undefined
      throw isKnown ? withBuildRef(error, `${name}/${this.#begunOn}/${this.#ref}`) : error
    })
    const exporterResponse = { ...result.exporterResponse }
    if (plan?.prefersImageDigest === true) delete exporterResponse['containerimage.config.digest']
    if (plan !== undefined && plan.pushByDocker.length > 0) {
      const digest = await pushByDocker(
        this.#builderHost,
        result.node.endpoint,
        plan.pushByDocker,
        write,
        signal,
      )
      if (digest !== undefined) exporterResponse['containerimage.digest'] = digest
    }
    const { name, driverName } = this.#builder
    return { ...result, exporterResponse, builder: name, driver: driverName, node: result.node.name }
  }

  async #outputsFor(
    node: BuilderNode,
    load: LoadTarget | undefined,
    several: boolean,
  ): Promise<DriverOutputs> {
    const { host, signal } = this.#context
    if (node.driver === undefined) throw node.error ?? new SlipwayError('not-found', 'no drivers found')
    const features = await node.driver.features(signal)
    const plan = driverOutputs(this.#request, this.#outputs, {
      driver: node.driver.name,
      features: several ? { ...features, multiPlatform: true } : features,
      load,
      merges: several,
      hostPlatform: hostPlatform(),
      tempDir: tmpdir(),
      noDefaultLoad: this.#noDefaultLoad(),
      noDefaultOciArtifact: envSwitch(host.env, 'BUILDX_NO_DEFAULT_OCI_ARTIFACT'),
    })
    if (several && plan.pushByDocker.length > 0) {
      throw new SlipwayError(
        'failed-precondition',
        "multi-node push can't currently be performed with the docker driver, please switch to a different driver",
      )
    }
    this.#notes.push(...plan.notes)
    // Before the build: one that fails is looked up in the history, too.
    this.#remember(node, this.#ref)
    this.#begunOn ??= node.name
    return plan
  }

  /** BUILDX_NO_DEFAULT_LOAD; what is neither true nor false is false, and told. */
  #noDefaultLoad(): boolean {
    const { BUILDX_NO_DEFAULT_LOAD: text } = this.#context.host.env
    const isWanted = text === undefined ? false : tryParseBool(text)
    if (isWanted === undefined)
      this.#notes.push(`WARNING: invalid non-bool value for BUILDX_NO_DEFAULT_LOAD: ${text}`)
    return isWanted ?? false
  }

  #finished(): Pick<RunBuildOptions, 'finished'> {
    const { provenance, signal, host } = this.#context
    if (provenance === undefined || this.#request.call !== undefined) return {}
    const name = 'resolving provenance for metadata file'
    return {
      finished: (connection, ref) =>
        clientStep(this.#write, name, () => provenanceMetadata(connection, ref, provenance, signal), {
          now: () => host.now(),
        }),
    }
  }

  #git(): Promise<Record<string, string>> {
    const { context, dockerfile = '' } = this.#request
    const { localDirs } = this.#inputs
    const { host, signal } = this.#context
    const warn = (line: string): void => void this.#notes.push(`WARNING: ${line}`)
    return gitAttributes({ context, dockerfile, localDirs, signal, warn }, host)
  }

  #links({ nodes }: ResolvedNodes): Pick<NodesBuildOptions, 'linksOn'> {
    const { name, links, trees } = this.#target ?? {}
    if (name === undefined || links === undefined) return {}
    links.builtOn(
      name,
      nodes.map(node => node.name),
    )
    const isLinked = links.isLinked(name)
    if (!isLinked && trees === undefined) return {}
    return {
      linksOn: node => {
        const linked = isLinked ? links.of(name, node.name) : undefined
        return trees === undefined && linked !== undefined ? linked : withTrees(trees ?? {}, linked)
      },
    }
  }

  /** A docker daemon is looked for only where an image may be loaded. */
  async #load(): Promise<LoadTarget | undefined> {
    const wanted = this.#outputs.find(output => output.type === 'docker' && output.target === undefined)
    const isDefault = this.#request.outputs.length === 0 && this.#builder.driverName !== 'embedded'
    if (wanted === undefined && !isDefault) return undefined
    const { signal } = this.#context
    return await loadTarget(this.#builderHost, wanted?.attrs['context'], this.#write, signal)
  }

  /** The context that comes from standard input; kept in a file where more than one node may ask for it. */
  async #stdin(
    several: boolean,
    stack: AsyncDisposableStack,
  ): Promise<{
    readonly attrs: Readonly<Record<string, string>>
    readonly attachables: () => readonly Attachable[]
  }> {
    const { upload } = this.#inputs
    if (upload === undefined) return { attrs: {}, attachables: () => [] }
    const open = several ? await spool(upload, stack) : (): ByteStream => upload
    const offer = (): { readonly streams: Attachable; readonly url: string } => {
      const streams = uploads()
      return { streams, url: streams.add('context', open()) }
    }
    const first = offer()
    let isFirst = true
    const attachables = (): readonly Attachable[] => {
      const streams = isFirst ? first.streams : offer().streams
      isFirst = false
      return [streams]
    }
    return { attrs: { context: first.url }, attachables }
  }

  #sharedKey(): string {
    const { sharedKey } = this.#inputs
    return sharedKey === '' ? '' : `${sharedKey}${this.#clientSuffix()}`
  }

  /** Keys of directories with this client's id, so that clients do not take each other's for the same. */
  #withNode(attrs: Readonly<Record<string, string>>): Record<string, string> {
    const isKey = (name: string): boolean => name.startsWith('sharedkey:localdir:')
    return Object.fromEntries(
      Object.entries(attrs).map(([name, value]) => [
        name,
        isKey(name) ? value + this.#clientSuffix() : value,
      ]),
    )
  }

  #clientSuffix(): string {
    const { dir } = openPlaces(this.#builderHost)
    const id = clientId(dir, size => this.#builderHost.random(size))
    return id === '' ? '' : `:${id}`
  }

  /** Notes the build for `history`; a directory that cannot be written is no reason to fail. */
  #remember(node: BuilderNode, ref: string): void {
    const { name = 'default', groupRef } = this.#target ?? {}
    const state = buildState(this.#request, this.#context.host.cwd)
    if (state === undefined) return
    try {
      saveBuildState(
        openPlaces(this.#builderHost).dir,
        { builder: this.#builder.name, node: node.name, ref },
        { target: name, ...state, ...(groupRef === undefined ? {} : { groupRef }) },
      )
    } catch {
      // What is noted here is a convenience of this machine.
    }
  }
}

async function spool(stream: ByteStream, stack: AsyncDisposableStack): Promise<() => ByteStream> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-context-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'context')
  await pipeline(stream, createWriteStream(path))
  return () => createReadStream(path)
}
