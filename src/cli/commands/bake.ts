import { provenanceMode } from '../provenance-metadata.ts'
import { parseCallFunction } from '../../bake/attrs/call-function.ts'
import { listDefinition, parseListRequest } from '../../bake/list-definition.ts'
import { printDefinition } from '../../bake/print-definition.ts'
import { isRemoteUrl } from '../../bake/remote-url.ts'
import type { BuildRequest } from '../../build/build-request.ts'
import { callText, requestFromTarget } from '../../build/request-from-target.ts'
import type { Builder } from '../../builder/builder.ts'
import type { BuilderHost } from '../../builder/builder-host.ts'
import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import type { ProgressPrinter } from '../../progress/printer.ts'
import { defaultColors } from '../../progress/colors.ts'
import { warningsText } from '../../progress/warnings.ts'
import type { VertexWarning } from '../../status/solve-status.ts'
import { anyArgs } from '../argument-rule.ts'
import { askPrivileges, grantsOf } from '../bake/ask-privileges.ts'
import { buildTargets } from '../bake/build-targets.ts'
import { folderTrees } from '../bake/folder-trees.ts'
import { loadDefinition } from '../bake/load-definition.ts'
import { type BakePlan, overridesOf, planBuilds } from '../bake/plan-builds.ts'
import { printCalls } from '../bake/print-calls.ts'
import { buildDetails } from '../build-details.ts'
import { checkResultFile, firstName, frontendMessage, targetsMetadata, writeWhole } from '../build-results.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { hostPlatform } from '../host-platform.ts'
import { openProgress, progressMode } from '../open-progress.ts'
import type { SolvedBuild } from '../solve-build.ts'
import { type BakeFlags, declareBakeFlags } from './bake-flags.ts'

/** `bake`: what a file defines. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [TARGET...]',
  args: anyArgs,
  flags: declareBakeFlags,
  run: bake,
})

async function bake(context: CommandContext<BakeFlags>): Promise<number> {
  const { host, flags, globals, args, signal } = context
  overridesOf(flags) // What is wrong with flags is told before files are read.
  const granted = grantsOf(flags.allow, host)
  const { print, list } = flags
  if (print && list !== '')
    throw new SlipwayError('invalid-argument', '--print and --list are mutually exclusive')
  // A node reads a remote definition, too.
  const builds = (!print && list === '') || (args[0] !== undefined && isRemoteUrl(args[0]))
  await using builderHost = openBuilderHost(host, globals)
  // First of all: as an ordinary user the command may have to begin anew, with its standard input untouched.
  const builder = builds
    ? await resolveBuilder(builderHost, globals.builder, {
        signal,
        contextKey: host.cwd,
        touch: true,
        validate: true,
      })
    : undefined
  await using display = await Display.open(context, builder)
  const loaded = await loadDefinition(args, flags, {
    host,
    write: display.write,
    signal,
    warn: line => display.warnings.push(line),
    readRemote: async (url, names) => {
      if (builder === undefined) throw new TypeError('a remote definition without a builder')
      const { readRemote } = await import('../bake/read-remote.ts')
      return await readRemote(url, names, { host, builder, write: display.write, signal })
    },
  })
  if (list !== '') {
    const text = listDefinition(loaded.definition, parseListRequest(list))
    await display.close()
    host.stdout.write(text)
    return 0
  }
  const plan = planBuilds(loaded, flags, host)
  if (print || builder === undefined) {
    await display.close()
    host.stdout.write(printDefinition(plan.groups, plan.targets))
    return 0
  }
  const requests = requestsOf(plan, context)
  const isRemote = loaded.asked.url !== ''
  const rawJson = flags.progress === 'rawjson'
  await askPrivileges(plan, granted, { host, signal, isRemote, rawJson, beforeText: () => display.close() })
  await display.reopen()
  const trees = folderTrees(plan.builds, loaded.remoteFolder)
  const asked = loaded.asked.targets
  return await build(plan, requests, { context, builder, builderHost, display, trees, asked })
}

/** Requests of all targets; the options of `--call` count for each of them. */
function requestsOf(
  plan: BakePlan,
  { host, flags }: CommandContext<BakeFlags>,
): ReadonlyMap<string, BuildRequest> {
  const asked = parseCallFunction(flags.call)
  const surroundings = { env: host.env, hostPlatform: hostPlatform() }
  const requests = new Map<string, BuildRequest>()
  for (const [name, options] of plan.builds) {
    const request = requestFromTarget(options, surroundings)
    const own = parseCallFunction(options.call ?? '')
    const call = own === undefined || asked === undefined ? undefined : callText({ ...asked, name: own.name })
    requests.set(name, call === undefined ? request : { ...request, call })
  }
  return requests
}

interface Building {
  readonly context: CommandContext<BakeFlags>
  readonly builder: Builder
  readonly builderHost: BuilderHost
  readonly display: Display
  readonly trees: ReturnType<typeof folderTrees>
  readonly asked: readonly string[]
}

async function build(
  plan: BakePlan,
  requests: ReadonlyMap<string, BuildRequest>,
  { context, builder, builderHost, display, trees, asked }: Building,
): Promise<number> {
  const { host, flags, signal } = context
  const { notes, write } = display
  const mode = flags.metadataFile === '' ? 'disabled' : provenanceMode(host.env['BUILDX_METADATA_PROVENANCE'])
  const provenance = mode === 'disabled' ? {} : { provenance: mode }
  checkResultFile(flags.metadataFile, host)
  const results = await buildTargets(requests, {
    host,
    builder,
    builderHost,
    write,
    notes,
    trees,
    asked,
    signal,
    ...provenance,
  })
  await display.close()
  if (!['quiet', 'none', 'rawjson'].includes(progressMode({ progress: flags.progress }, host.env)))
    host.stderr.write(buildDetails(host, refsOf(requests, results)))
  if (flags.metadataFile !== '') {
    const answers = [...results].map(
      ([name, { builder: by, node, ref, exporterResponse, metadata }]) =>
        [
          name,
          requests.get(name)?.call === undefined
            ? { ref: `${by}/${node}/${ref}`, exporterResponse }
            : metadata,
        ] as const,
    )
    const isCall = [...requests.values()].some(({ call }) => call !== undefined)
    const wantsWarnings = tryParseBool(host.env['BUILDX_METADATA_WARNINGS'] ?? '') === true && !isCall
    const warnings = wantsWarnings ? display.stepWarnings : []
    writeWhole(flags.metadataFile, targetsMetadata(new Map(answers), warnings), host)
  }
  const code = printCalls(plan, requests, results, host)
  for (const [name, { exporterResponse }] of results)
    host.stdout.write(frontendMessage(exporterResponse, name))
  tellWhere(requests, results, context)
  signal.throwIfAborted()
  return code
}

/** Builds that Docker Desktop knows: it knows nothing of those of the engine in here, nor of checks. */
function refsOf(
  requests: ReadonlyMap<string, BuildRequest>,
  results: ReadonlyMap<string, SolvedBuild>,
): ReadonlyMap<string, string> {
  const refs = new Map<string, string>()
  for (const [name, { call }] of requests) {
    const { driver, builder, node, ref } = results.get(name) ?? {}
    if (call === undefined && driver !== 'embedded') refs.set(name, `${builder}/${node}/${ref}`)
  }
  return refs
}

/** Names the images that nobody asked to be put anywhere else. */
function tellWhere(
  requests: ReadonlyMap<string, BuildRequest>,
  results: ReadonlyMap<string, SolvedBuild>,
  { host, flags, path }: CommandContext<BakeFlags>,
): void {
  const lines: string[] = []
  for (const [name, { outputs, call }] of requests) {
    const result = results.get(name)
    const image = firstName(result?.exporterResponse ?? {})
    if (outputs.length === 0 && call === undefined && result?.driver === 'embedded' && image !== undefined)
      lines.push(`  ${name}: ${image}\n`)
  }
  if (lines.length === 0 || ['quiet', 'none', 'rawjson'].includes(flags.progress)) return
  const program = path.slice(0, path.lastIndexOf(' '))
  host.stderr.write(
    `\nImages in the local store (push with '${program} image push IMAGE'):\n${lines.join('')}`,
  )
}

/** Progress on standard error, which ends for a question and begins anew. */
class Display implements AsyncDisposable {
  readonly notes: string[] = []
  /** What the files made the user to be warned of. */
  readonly warnings: string[] = []
  readonly #context: CommandContext<BakeFlags>
  readonly #builder: Builder | undefined
  /** What steps of the builds warned of, each once; known when the display is closed. */
  stepWarnings: readonly VertexWarning[] = []
  #printer: ProgressPrinter | undefined

  private constructor(
    context: CommandContext<BakeFlags>,
    builder: Builder | undefined,
    printer: ProgressPrinter,
  ) {
    this.#context = context
    this.#builder = builder
    this.#printer = printer
  }

  static async open(context: CommandContext<BakeFlags>, builder: Builder | undefined): Promise<Display> {
    return new Display(context, builder, await openPrinter(context, builder))
  }

  readonly write: ProgressPrinter['write'] = status => this.#printer?.write(status)

  async reopen(): Promise<void> {
    this.#printer ??= await openPrinter(this.#context, this.#builder)
  }

  /** Ends the display and tells what is left to say. */
  async close(): Promise<void> {
    const printer = this.#printer
    if (printer === undefined) return
    this.#printer = undefined
    await printer[Symbol.asyncDispose]()
    this.stepWarnings = printer.warnings
    const { host, flags, globals } = this.#context
    for (const line of this.warnings.splice(0)) host.stderr.write(`WARNING: ${line}\n`)
    if (['quiet', 'none'].includes(flags.progress)) return
    for (const note of new Set(this.notes.splice(0))) host.stderr.write(`${note}\n`)
    host.stderr.write(warningsText(printer.warnings, { debug: globals.debug, color: defaultColors.warning }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function openPrinter(
  { host, flags }: CommandContext<BakeFlags>,
  builder: Builder | undefined,
): Promise<ProgressPrinter> {
  if (builder === undefined) return await openProgress(host, { progress: flags.progress })
  const { name, driverName } = builder
  return await openProgress(host, {
    progress: flags.progress,
    label: `${driverName}:${name}`,
    description: `building with ${JSON.stringify(name)} instance using ${driverName} driver`,
  })
}
