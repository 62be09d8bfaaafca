import { invalid } from '../instructions/argument-error.ts'
import type { Instruction } from '../instructions/instruction.ts'
import { locatedError } from '../parser/location.ts'
import { noVariables } from '../shell/variables.ts'
import type { ConvertContext } from './context.ts'
import { type Command, StageBuild } from './stage-build.ts'

/** Finds what each instruction of each stage reads from. Throws `invalid-argument`. */
export function linkCommands(context: ConvertContext): void {
  const { table } = context
  for (const build of [...table.stages]) {
    const instructions = build.stage?.instructions ?? []
    build.commands = instructions.map(instruction => {
      const command = commandOf(instruction, false, context)
      adoptSources(build, command, context)
      return command
    })
  }
  refuseCycles(table.stages)
  const [only] = table.stages
  if (only !== undefined && table.stages.length === 1) only.shownName = ''
}

/** An instruction with its sources. Throws `invalid-argument`. */
export function commandOf(instruction: Instruction, isOnbuild: boolean, context: ConvertContext): Command {
  return { instruction, isOnbuild, sources: sourcesOf(instruction, context) }
}

/** Notes the sources as dependencies of the stage; implied ones become stages themselves. */
export function adoptSources(build: StageBuild, command: Command, context: ConvertContext): void {
  for (const source of command.sources) {
    build.dependencies.set(source, command.instruction)
    if (source.stage === undefined && !context.table.stages.includes(source)) context.table.add(source)
  }
}

function sourcesOf(instruction: Instruction, context: ConvertContext): StageBuild[] {
  if (instruction.kind === 'run') {
    return instruction.mounts.map(({ from }) => {
      const name = from === '' ? 'scratch' : from
      return context.table.byName(name) ?? new StageBuild({ base: name, ranges: [] })
    })
  }
  if (instruction.kind !== 'copy' || instruction.from === '') return []
  const { from, ranges } = instruction
  if (context.lexer.word(from, noVariables) !== from) {
    throw invalid(
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
    )
  }
  if (/^[+-]?[0-9]+$/.test(from)) return [context.table.byIndex(Number(from))]
  return [context.table.byName(from) ?? new StageBuild({ base: from, ranges })]
}

/** Throws `invalid-argument` where stages copy from each other in a circle, with the lines of all involved. */
function refuseCycles(stages: readonly StageBuild[]): void {
  const done = new Set<StageBuild>()
  for (const build of stages) {
    const circle = circleFrom(build, done)
    if (circle === undefined) continue
    const error = invalid(`circular dependency detected on stage: ${build.shownName}`)
    throw circle.reduceRight((e, instruction) => locatedError(e, instruction.ranges), error)
  }
}

/** The instructions that lead from a stage into a circle. Without recursion: chains of stages may be long. */
function circleFrom(start: StageBuild, done: Set<StageBuild>): Instruction[] | undefined {
  if (done.has(start)) return undefined
  done.add(start)
  const open = new Set([start])
  const way: Instruction[] = []
  const path = [{ build: start, rest: [...start.dependencies] }]
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.rest.shift()
    if (next === undefined) {
      open.delete(top.build)
      path.pop()
      way.pop()
      continue
    }
    const [dependency, instruction] = next
    if (open.has(dependency)) return [...way, instruction]
    if (done.has(dependency)) continue
    done.add(dependency)
    open.add(dependency)
    way.push(instruction)
    path.push({ build: dependency, rest: [...dependency.dependencies] })
  }
  return undefined
}
