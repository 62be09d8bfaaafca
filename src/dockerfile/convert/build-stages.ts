import { asSlipwayError, type SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { Stage } from '../instructions/instruction.ts'
import type { Linter } from '../linter/linter.ts'
import { locatedError } from '../parser/location.ts'
import { withSuggestion } from '../suggest.ts'
import type { ConvertContext } from './context.ts'
import { contextPaths } from './context-paths.ts'
import type { NamedContext } from './host.ts'
import type { Outline } from './outline.ts'
import { StageBuild } from './stage-build.ts'
import { lintFromArgs, lintFromPlatform } from './variable-lint.ts'

/** Puts the stages of a file into the table, FROM lines expanded. Throws `invalid-argument` with the line. */
export function buildStages(stages: readonly Stage[], outline: Outline, context: ConvertContext): void {
  for (const [i, stage] of stages.entries()) {
    try {
      buildStage(stage, i, outline, context)
    } catch (error) {
      throw locatedError(error, stage.ranges)
    }
  }
}

function buildStage(stage: Stage, index: number, outline: Outline, context: ConvertContext): void {
  const linter = context.linter.withComments(stage.comments)
  const { base, used } = expandBase(stage, outline, context, linter)
  const shownName = stage.name === '' ? `stage-${index}` : stage.name
  const { name, ranges } = stage
  const build = new StageBuild({ stage, name, shownName, base, ranges, outline: outline.clone() })
  build.platform = expandPlatform(stage, outline, used, context, linter)
  if (stage.name !== '') {
    build.namedContext = contextOf(stage.name, build, build.platform, context)
    if (build.namedContext !== undefined) {
      context.table.add(build)
      build.parent = undefined
      return
    }
  }
  context.table.add(build)
  for (const arg of used) build.outline.used.add(arg)
  build.stepTotal = countSteps(build, stage)
  build.ignoreCache = context.host.isNoCache(stage.name)
}

/** The named context that replaces a stage or image; `scratch` and `context` cannot be replaced. */
export function contextOf(
  name: string,
  build: StageBuild,
  platform: Platform | undefined,
  context: ConvertContext,
): NamedContext | undefined {
  const lower = name.toLowerCase()
  if (lower === 'scratch' || lower === 'context') return undefined
  return context.host.namedContext(name, {
    platform: platform ?? context.options.targetPlatform,
    resolveMode: context.options.resolveMode,
    paths: () => contextPaths(build.paths),
  })
}

function expandBase(
  stage: Stage,
  outline: Outline,
  context: ConvertContext,
  linter: Linter,
): { base: string; used: Set<string> } {
  const found = context.lexer.process(stage.base, context.globalArgs)
  lintFromArgs(found.unmatched, knownArgs(outline, context), stage.ranges, linter)
  if (found.error !== undefined) throw found.error
  if (found.result === '') throw invalid(`base name (${stage.base}) should not be blank`)
  return { base: found.result, used: new Set(found.matched) }
}

function expandPlatform(
  stage: Stage,
  outline: Outline,
  used: Set<string>,
  context: ConvertContext,
  linter: Linter,
): Platform | undefined {
  if (stage.platform === '') return undefined
  const { globalArgs: args, options } = context
  const found = context.lexer.process(stage.platform, args)
  lintFromArgs(found.unmatched, knownArgs(outline, context), stage.ranges, linter)
  lintFromPlatform(stage.platform, stage.name, found, args, stage.ranges, options.hostPlatform, linter)
  if (found.error !== undefined) throw wrapError('failed to process arguments for platform ', found.error)
  const suggested = (error: SlipwayError): SlipwayError => {
    for (const name of found.unmatched) {
      const better = withSuggestion(error, name, args.keys())
      if (better !== error) return better
    }
    return error
  }
  if (found.result === '') throw suggested(invalid(`empty platform value from expression ${stage.platform}`))
  for (const name of found.matched) used.add(name)
  try {
    return parsePlatform(found.result, options.hostPlatform)
  } catch (error) {
    throw wrapError(`failed to parse platform ${stage.platform}`, suggested(asSlipwayError(error)))
  }
}

function knownArgs(outline: Outline, context: ConvertContext): string[] {
  return [...new Set([...outline.args.keys(), ...context.globalArgs.keys()])]
}

/** How many steps are shown: the base image, and what makes a layer. */
function countSteps(build: StageBuild, stage: Stage): number {
  const base = build.base !== 'scratch' && build.parent === undefined ? 1 : 0
  const layers = stage.instructions.filter(({ kind }) => ['add', 'copy', 'run', 'workdir'].includes(kind))
  return base + layers.length
}
