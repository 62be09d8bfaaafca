import type { Range } from '../../errors/source-range.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { parsePlatform } from '../../oci/platform.ts'
import type { ArgDefinition } from '../instructions/name-value.ts'
import type { Linter } from '../linter/linter.ts'
import { rules } from '../linter/rules.ts'
import type { LexResult } from '../shell/lexer.ts'
import type { Variables } from '../shell/variables.ts'
import { suggest } from '../suggest.ts'

/** Args that are read by the builder and are no variables. */
export const nonVariableArgs: readonly string[] = ['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']

/** Reports names that an instruction uses without a definition. */
export function lintUndefined(
  unmatched: ReadonlySet<string>,
  declared: readonly ArgDefinition[],
  variables: Variables,
  ranges: readonly Range[],
  linter: Linter,
): void {
  for (const name of unmatched) {
    if (nonVariableArgs.includes(name) || declared.some(arg => arg.name === name)) continue
    linter.report(rules.undefinedVar, ranges, name, suggest(name, variables.keys()) ?? '')
  }
}

/** Reports names in FROM that no ARG before it declares. */
export function lintFromArgs(
  unmatched: ReadonlySet<string>,
  known: readonly string[],
  ranges: readonly Range[],
  linter: Linter,
): void {
  for (const name of unmatched) {
    if (!known.includes(name))
      linter.report(rules.undefinedArgInFrom, ranges, name, suggest(name, known) ?? '')
  }
}

/** Reports `--platform` where it says what holds anyway, or always the same. */
export function lintFromPlatform(
  written: string,
  stage: string,
  found: LexResult,
  args: Variables,
  ranges: readonly Range[],
  hostPlatform: Platform,
  linter: Linter,
): void {
  const [name] = found.matched
  if (found.matched.size === 1 && found.unmatched.size === 0 && name === 'TARGETPLATFORM') {
    if (args.get(name) === found.result) linter.report(rules.redundantTargetPlatform, ranges, written)
  }
  if (found.matched.size > 0 || found.unmatched.size > 0) return
  let platform: Platform
  try {
    platform = parsePlatform(found.result, hostPlatform)
  } catch {
    return
  }
  if (stage.includes(platform.os) || stage.includes(platform.architecture)) return
  linter.report(rules.fromPlatformFlagConstDisallowed, ranges, found.result)
}
