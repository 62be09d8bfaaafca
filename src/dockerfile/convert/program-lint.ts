import type { EnvList } from '../../llb/env-list.ts'
import { parseReference } from '../../oci/reference.ts'
import type { Stage } from '../instructions/instruction.ts'
import type { Program } from '../instructions/parse-stages.ts'
import type { Linter } from '../linter/linter.ts'
import { rules } from '../linter/rules.ts'
import type { Lexer } from '../shell/lexer.ts'
import { globalArgs } from './global-args.ts'

/** Checks that look at the file as a whole, before anything is converted. */
export function lintProgram(program: Program, automatic: EnvList, lexer: Lexer, linter: Linter): void {
  lintStageNames(program.stages, linter)
  lintKeywordCase(program.stages, linter)
  lintDefaultBases(program, automatic, lexer, linter)
}

function lintStageNames(stages: readonly Stage[], linter: Linter): void {
  const names = new Set<string>()
  for (const { name, ranges } of stages) {
    if (name === '') continue
    if (name === 'context' || name === 'scratch') linter.report(rules.reservedStageName, ranges, name)
    if (names.has(name)) linter.report(rules.duplicateStageName, ranges, name)
    names.add(name)
  }
}

function lintKeywordCase(stages: readonly Stage[], linter: Linter): void {
  const all = stages.flatMap(stage => [stage, ...stage.instructions])
  const lower = all.filter(({ keyword }) => keyword === keyword.toLowerCase()).length
  const upper = all.filter(
    ({ keyword }) => keyword === keyword.toUpperCase() && keyword !== keyword.toLowerCase(),
  ).length
  const casing = lower > upper ? 'lowercase' : 'uppercase'
  for (const { keyword, ranges } of all) {
    const expected = casing === 'lowercase' ? keyword.toLowerCase() : keyword.toUpperCase()
    if (keyword !== expected) linter.report(rules.consistentInstructionCasing, ranges, keyword, casing)
  }
}

/** Base images must stay names when no build arg is given. */
function lintDefaultBases(program: Program, automatic: EnvList, lexer: Lexer, linter: Linter): void {
  let args: EnvList
  try {
    args = globalArgs(automatic, program.globalArgs, {}, lexer).args
  } catch {
    return
  }
  for (const { base, ranges } of program.stages) {
    const found = lexer.process(base, args)
    if (found.error !== undefined) return
    if (!isReference(found.result)) linter.report(rules.invalidDefaultArgInFrom, ranges, base)
  }
}

function isReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch {
    return false
  }
}
