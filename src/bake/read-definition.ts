import { SlipwayError } from '../errors/slipway-error.ts'
import type { Body } from '../hcl/body.ts'
import { DiagnosticsError, diagnosticsToError } from '../hcl/diagnostic.ts'
import type { FunctionHost } from '../hcl/functions/standard-functions.ts'
import { MergedBody } from '../hcl/merged-body.ts'
import { evaluateDefinition } from './definition/evaluate-definition.ts'
import type { BakeFile } from './file-plan.ts'
import { parseHclFile } from './hcl-file.ts'
import { rebaseTargets } from './path-bases.ts'
import type { Definition, Group } from './target.ts'

/** What files are read with. */
export interface ReadOptions {
  /** `BAKE_CMD_CONTEXT` and `BAKE_LOCAL_PLATFORM`. */
  readonly builtins: ReadonlyMap<string, string>
  /** Values of `--var`. */
  readonly variables: ReadonlyMap<string, string>
  /** The environment, empty where it may not be used (BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP). */
  readonly environment: ReadonlyMap<string, string>
  /** The `.env` file of the working directory, for compose files. */
  readonly dotEnv?: BakeFile
  readonly functions: FunctionHost
  /** Context paths are relative to the files they stand in (BUILDX_BAKE_FILE_RELATIVE_PATHS). */
  readonly fileRelativePaths?: boolean
}

const empty: Definition = { groups: [], targets: [], variables: [] }

/**
 * What the files define together: compose files first, as one project, then HCL and JSON files. Throws
 * `invalid-argument` with the place in the file.
 */
export function readBakeDefinition(files: readonly BakeFile[], options: ReadOptions): Definition {
  if (files.length === 0) throw new SlipwayError('not-found', "couldn't find a bake definition")
  try {
    return readFiles(files, options)
  } catch (e) {
    if (e instanceof DiagnosticsError) throw diagnosticsToError(e.diagnostics, files)
    throw e
  }
}

function readFiles(files: readonly BakeFile[], options: ReadOptions): Definition {
  const bodies: Body[] = files.map(parseHclFile)
  const lookup = (name: string): string | undefined =>
    options.variables.get(name) ?? options.environment.get(name)
  const { builtins, functions } = options
  const evaluated = evaluateDefinition(new MergedBody(bodies), empty, { builtins, lookup, functions })
  const definition = { ...evaluated, groups: withRenamed(evaluated.groups, evaluated.renamed) }
  return options.fileRelativePaths === true
    ? { ...definition, targets: rebaseTargets(definition.targets) }
    : definition
}

function withRenamed(groups: readonly Group[], renamed: readonly Group[]): Group[] {
  return [...groups.map(g => ({ ...g, targets: [...new Set(g.targets)] })), ...renamed]
}
