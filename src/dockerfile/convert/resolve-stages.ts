import { forEachBounded } from '../../async/map-bounded.ts'
import { parseInstruction } from '../instructions/parse-stages.ts'
import { invalid } from '../instructions/argument-error.ts'
import { relocatedError } from '../parser/location.ts'
import { parseDockerfile } from '../parser/parse.ts'
import { checkBase, resolveBase } from './base-image.ts'
import { adoptSources, commandOf } from './commands.ts'
import type { ConvertContext } from './context.ts'
import type { StageBuild } from './stage-build.ts'
import { reachableFrom } from './stage-table.ts'

/** Base images looked up at the same time. */
const parallelLookups = 32

/**
 * Finds out what every stage that the target needs starts from, all at the same time; triggers of ONBUILD may bring
 * further stages in. Returns the needed stages.
 */
export async function resolveStages(target: StageBuild, context: ConvertContext): Promise<Set<StageBuild>> {
  for (;;) {
    const needed = reachableFrom(target)
    await resolveBases(needed, context)
    let grown = false
    for (const build of [...context.table.stages].filter(b => needed.has(b))) {
      build.inherit()
      if (addTriggers(build, context)) grown = true
    }
    if (!grown) return needed
  }
}

async function resolveBases(needed: ReadonlySet<StageBuild>, context: ConvertContext): Promise<void> {
  const open = context.table.stages.filter(b => b.parent === undefined && !b.dispatched && !b.resolved)
  const wanted = open.filter(build => needed.has(build) || context.options.allStages === true)
  for (const build of open) if (!wanted.includes(build)) checkBase(build)
  for (const build of wanted) build.resolved = true
  const options = { limit: parallelLookups, signal: context.signal }
  await forEachBounded(wanted, (build, _, signal) => resolveBase(build, { ...context, signal }), options)
}

/** Puts the triggers of a stage's base in front of its instructions; tells whether they read from other stages. */
function addTriggers(build: StageBuild, context: ConvertContext): boolean {
  const triggers = [...(build.image.config.OnBuild ?? [])]
  if (build.parent !== undefined && !build.onbuildRead) {
    for (const { instruction } of build.parent.commands) {
      if (instruction.kind === 'onbuild') triggers.push(instruction.trigger)
    }
    build.onbuildRead = true
  }
  if (triggers.length === 0) return false
  const { OnBuild: _, ...config } = build.image.config
  build.image = { ...build.image, config }
  try {
    const commands = triggers.map(trigger => commandOf(parseTrigger(trigger, build), true, context))
    for (const command of commands) adoptSources(build, command, context)
    build.commands = [...commands, ...build.commands]
    build.stepTotal += commands.length
    return commands.some(command => command.sources.length > 0)
  } catch (error) {
    throw relocatedError(error, build.ranges)
  }
}

function parseTrigger(trigger: string, build: StageBuild) {
  const [node, ...more] = parseDockerfile(trigger).nodes
  if (node === undefined || more.length > 0) throw invalid('onbuild trigger should be a single expression')
  const lines = build.ranges.flatMap(range => [range.start.line, range.end.line])
  const startLine = lines.reduce((least, line) => Math.min(least, line), lines[0] ?? 0)
  const endLine = lines.reduce((most, line) => Math.max(most, line), 0)
  return parseInstruction({ ...node, startLine, endLine })
}
