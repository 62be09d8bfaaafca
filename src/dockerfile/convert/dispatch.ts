import type { Instruction } from '../instructions/instruction.ts'
import { Lexer } from '../shell/lexer.ts'
import type { DispatchContext } from './context.ts'
import { dispatchCopy } from './copy.ts'
import { expandContents, expandInstruction } from './expand.ts'
import { dispatchExpose } from './expose.ts'
import { dispatchArg, dispatchEnv, dispatchLabel } from './name-values.ts'
import {
  dispatchCommand,
  dispatchHealthcheck,
  dispatchOnbuild,
  dispatchText,
  dispatchVolume,
} from './metadata.ts'
import { dispatchRun } from './run.ts'
import type { Command, StageBuild } from './stage-build.ts'
import { lintUndefined } from './variable-lint.ts'
import { dispatchWorkdir } from './workdir.ts'

/** Applies one instruction to its stage. Throws `invalid-argument`. */
export function dispatch(build: StageBuild, command: Command, outer: DispatchContext): void {
  const linter = outer.linter.withComments(command.instruction.comments)
  const context = { ...outer, linter }
  build.isOnbuild = command.isOnbuild
  const { ranges } = command.instruction
  const expand =
    (lexer: Lexer) =>
    (text: string): string => {
      const found = lexer.process(text, build.state.env)
      lintUndefined(found.unmatched, build.buildArgs, build.state.env, ranges, linter)
      if (found.error !== undefined) throw found.error
      return found.result
    }
  const words = expandInstruction(command.instruction, expand(context.lexer))
  const instruction = expandContents(words, expand(new Lexer({ plainQuotes: true })))
  apply(build, instruction, command, context, expand(context.lexer))
}

function apply(
  build: StageBuild,
  instruction: Instruction,
  command: Command,
  context: DispatchContext,
  expand: (text: string) => string,
): void {
  switch (instruction.kind) {
    case 'add':
    case 'copy':
      return dispatchCopy(build, instruction, command.sources[0], context)
    case 'arg':
      return dispatchArg(build, instruction, context)
    case 'cmd':
    case 'entrypoint':
    case 'shell':
      return dispatchCommand(build, instruction, context)
    case 'env':
      return dispatchEnv(build, instruction, context)
    case 'expose':
      return dispatchExpose(build, instruction, context)
    case 'healthcheck':
      return dispatchHealthcheck(build, instruction, context)
    case 'label':
      return dispatchLabel(build, instruction, context)
    case 'onbuild':
      return dispatchOnbuild(build, instruction)
    case 'run':
      return dispatchRun(build, instruction, command.sources, context, expand)
    case 'volume':
      return dispatchVolume(build, instruction, context)
    case 'workdir':
      return dispatchWorkdir(build, instruction, context)
    case 'maintainer':
    case 'stopsignal':
    case 'user':
      return dispatchText(build, instruction, context)
  }
}
