import { decodeName } from '../../bytes/path-string.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import type { EnvList } from '../../llb/env-list.ts'
import type { State } from '../../llb/state.ts'
import type { ImageConfig } from '../../oci/image-config.ts'
import { normalizePlatform, type Platform } from '../../oci/platform.ts'
import { invalid } from '../instructions/argument-error.ts'
import { type Program, parseStages } from '../instructions/parse-stages.ts'
import { createLinter, type Linter, silentLinter } from '../linter/linter.ts'
import { type LintOptions, parseLintOptions } from '../linter/options.ts'
import { rules } from '../linter/rules.ts'
import { findDirective } from '../parser/directive.ts'
import { lineRanges } from '../parser/location.ts'
import { type ParsedFile, parseDockerfile } from '../parser/parse.ts'
import { Lexer } from '../shell/lexer.ts'
import { buildStages } from './build-stages.ts'
import { linkCommands } from './commands.ts'
import type { ConvertContext } from './context.ts'
import { dispatchStages } from './dispatch-stages.ts'
import { resolveEpoch } from './epoch.ts'
import { automaticArgs, buildArg, globalArgs, proxyOf } from './global-args.ts'
import type { ConvertHost } from './host.ts'
import type { ConvertOptions } from './options.ts'
import { Outline } from './outline.ts'
import { lintProgram } from './program-lint.ts'
import { resolveStages } from './resolve-stages.ts'
import type { StageBuild } from './stage-build.ts'
import { reachableFrom, StageTable } from './stage-table.ts'

/** A Dockerfile as a graph, for one platform. */
export interface Converted {
  readonly state: State
  readonly image: ImageConfig
  /** Configuration of the base image, as it came. */
  readonly baseImage: ImageConfig | undefined
  /** Platform of ops that do not name one. */
  readonly platform: Platform
  /** Seconds since 1970 that replace all times; undefined for the real ones. */
  readonly epoch: number | undefined
  /** Further trees that an SBOM scanner is to look at, by name. */
  readonly scanExtras: ReadonlyMap<string, State>
  /** A stage whose result is scanned must not come from cache. */
  readonly ignoresCache: boolean
  /** The target and what it needs, for sub-requests. */
  readonly target: StageBuild
}

/**
 * Converts a Dockerfile. Everything that lies outside of it is asked of `host`. Throws `invalid-argument` with the lines
 * at fault (`locationsOf`), and what the host throws.
 */
export async function convertDockerfile(
  options: ConvertOptions,
  host: ConvertHost,
  signal?: AbortSignal,
): Promise<Converted> {
  if (options.file.data.length === 0) throw invalid('the Dockerfile cannot be empty')
  const text = decodeName(options.file.data)
  const linter = linterFor(text, options)
  const file = parseDockerfile(text)
  for (const line of file.emptyContinuations) linter.report(rules.noEmptyContinuation, lineRanges(line, line))
  const program = parseStages(file, linter)
  if (program.stages.length === 0) throw invalid('dockerfile contains no stages to build')
  const { context, outline } = await contextFor(file, program, linter, options, host, signal)
  buildStages(program.stages, outline, context)
  const target = context.table.target(options.target)
  linkCommands(context)
  const needed = await resolveStages(target, context)
  const dispatched = await dispatchStages(needed, target, context)
  linter.check()
  const main = await host.mainContext(dispatched.paths, signal)
  dispatched.setContext(main.output)
  return finish(target, dispatched.buildContext, context)
}

function linterFor(text: string, options: ConvertOptions): Linter {
  const lintOptions = options.lint ?? directiveOptions(text)
  return options.warn === undefined ? silentLinter : createLinter(lintOptions, options.warn)
}

function directiveOptions(text: string): LintOptions {
  try {
    return parseLintOptions(findDirective('check', text)?.value ?? '')
  } catch (error) {
    throw wrapError('failed to parse check options', error)
  }
}

async function contextFor(
  file: ParsedFile,
  program: Program,
  linter: Linter,
  options: ConvertOptions,
  host: ConvertHost,
  signal: AbortSignal | undefined,
): Promise<{ context: ConvertContext; outline: Outline }> {
  const [buildPlatform] = options.buildPlatforms
  const native = buildPlatform ?? options.hostPlatform
  const target = options.targetPlatform ?? native
  const stage = options.target || (program.stages.at(-1)?.name ?? '')
  const lexer = new Lexer({ escape: file.escape })
  const automatic = automaticArgs(native, target, stage, options.buildArgs)
  lintProgram(program, automatic, lexer, linter)
  const { args, uses } = globalArgs(automatic, program.globalArgs, options.buildArgs, lexer)
  const outline = new Outline()
  for (const [name, use] of uses) outline.args.set(name, use)
  const epochText = epochValue(options, args)
  const epoch =
    epochText === undefined
      ? undefined
      : await resolveEpoch(epochText, { options, host, signal, program, globalArgs: args, lexer })
  const set =
    epochText === undefined ? { args, buildArgs: options.buildArgs } : withEpoch(options, args, epoch)
  const context: ConvertContext = {
    options,
    host,
    signal,
    table: new StageTable(),
    lexer,
    linter,
    target,
    globalArgs: set.args,
    buildArgs: set.buildArgs,
    proxy: proxyOf(options.buildArgs),
    epoch,
  }
  return { context, outline }
}

const epochName = 'SOURCE_DATE_EPOCH'

function epochValue(options: ConvertOptions, args: EnvList): string | undefined {
  return buildArg(options.buildArgs, epochName) ?? (args.get(epochName) || undefined)
}

/** The variables with the seconds in place of what SOURCE_DATE_EPOCH asked for; unset where it has no time. */
function withEpoch(options: ConvertOptions, args: EnvList, epoch: number | undefined) {
  const { [epochName]: given, ...others } = options.buildArgs
  const text = epoch === undefined ? '' : String(epoch)
  const isGlobal = args.get(epochName) !== undefined
  return {
    args: !isGlobal ? args : text === '' ? args.delete(epochName) : args.set(epochName, text),
    buildArgs: given === undefined || text === '' ? others : { ...others, [epochName]: text },
  }
}

function finish(target: StageBuild, buildContext: State, context: ConvertContext): Converted {
  const scanExtras = new Map<string, State>()
  if (target.scanContext) scanExtras.set('context', buildContext)
  let ignoresCache = target.ignoreCache
  for (const build of reachableFrom(target)) {
    if (build === target || !build.scanStage) continue
    scanExtras.set(build.shownName, build.state)
    ignoresCache ||= build.ignoreCache
  }
  return {
    state: target.state,
    image: finalImage(target, context),
    baseImage: target.baseImage,
    platform: context.target,
    epoch: context.epoch,
    scanExtras,
    ignoresCache,
    target,
  }
}

/** The target's configuration with the labels of the build, for the platform that was asked for. */
function finalImage(target: StageBuild, context: ConvertContext): ImageConfig {
  const { options } = context
  const { config } = target.image
  const hasLabels = Object.keys(options.labels).length > 0
  const labelled = hasLabels ? { ...config, Labels: { ...config.Labels, ...options.labels } } : config
  const image = { ...target.image, config: labelled }
  const platform = options.targetPlatform === undefined ? image : retargeted(image, context.target)
  const { variant: _, 'os.version': _version, 'os.features': _features, ...rest } = image
  return { ...rest, ...normalizePlatform(platform) }
}

/** Variant and version of the base survive where only they are left open. */
function retargeted(image: Platform, target: Platform): Platform {
  const isSame = image.os === target.os && image.architecture === target.architecture
  const pick = (key: 'variant' | 'os.version') => target[key] ?? (isSame ? image[key] : undefined)
  const variant = pick('variant')
  const version = pick('os.version')
  const features = target['os.features'] ?? image['os.features']
  return {
    os: target.os,
    architecture: target.architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features === undefined ? {} : { 'os.features': features }),
  }
}
