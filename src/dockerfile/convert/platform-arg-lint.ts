import type { RunInstruction } from '../instructions/run.ts'
import { rules } from '../linter/rules.ts'
import type { ConvertContext } from './context.ts'
import { platformArgNames } from './global-args.ts'
import type { StageBuild } from './stage-build.ts'

/**
 * Reports platform args that a RUN uses although the stage never declares them: there they are empty, and cross builds
 * quietly produce native binaries. A script that sets the name itself is fine.
 */
export function lintPlatformArgs(
  build: StageBuild,
  instruction: RunInstruction,
  words: readonly string[],
  context: ConvertContext,
): void {
  const text = words.join('\n')
  for (const name of platformArgNames) {
    if (!text.includes(name) || build.state.env.get(name) !== undefined) continue
    if (build.buildArgs.some(arg => arg.name === name)) continue
    const isUsed = new RegExp(`(?<!\\\\)\\$(?:${name}(?![A-Za-z0-9_])|\\{${name}(?:\\}|[#%/]|:?\\?))`).test(
      text,
    )
    if (isUsed && !setsVariable(text, name))
      context.linter.report(rules.undeclaredPlatformArg, instruction.ranges, name)
  }
}

/** Whether a script gives the variable a value: `NAME=`, or after `read`, `for` and the like. */
function setsVariable(text: string, name: string): boolean {
  return text.split(/[\n;|&]/).some(command => {
    const at = command.search(new RegExp(`(?<![A-Za-z0-9_$\\{])${name}(?![A-Za-z0-9_])`))
    if (at < 0) return false
    return (
      command[at + name.length] === '=' || /\b(?:read|for|export|local|declare)\b/.test(command.slice(0, at))
    )
  })
}
