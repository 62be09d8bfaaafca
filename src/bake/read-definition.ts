import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import type { Body } from '../hcl/body.ts'
import { DiagnosticsError, diagnosticsToError } from '../hcl/diagnostic.ts'
import type { FunctionHost } from '../hcl/functions/standard-functions.ts'
import { MergedBody } from '../hcl/merged-body.ts'
import type { ComposeReadOptions } from './compose/load-compose.ts'
import { composeLookup } from './compose/environment.ts'
import { evaluateDefinition } from './definition/evaluate-definition.ts'
import type { BakeFile } from './file-plan.ts'
import { parseHclFile } from './hcl-file.ts'
import { fileFolder, rebaseTargets } from './path-bases.ts'
import type { Definition, Group, Target } from './target.ts'

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
  /** Reads a file that a compose file names, relative to the working directory; `undefined` when there is none. */
  readonly readFile?: (path: string) => Promise<Uint8Array | undefined>
  /** Takes what the user is to be warned of, one line each. */
  readonly warn?: (line: string) => void
  /** Context paths are relative to the files they stand in (BUILDX_BAKE_FILE_RELATIVE_PATHS). */
  readonly fileRelativePaths?: boolean
}

const empty: Definition = { groups: [], targets: [] }

/**
 * What the files define together: compose files first, as one project, then HCL and JSON files. Throws
 * `invalid-argument` with the place in the file.
 */
export async function readBakeDefinition(
  files: readonly BakeFile[],
  options: ReadOptions,
): Promise<Definition> {
  if (files.length === 0) throw new SlipwayError('not-found', "couldn't find a bake definition")
  try {
    const definition = await readFiles(files, options)
    return options.fileRelativePaths === true
      ? { ...definition, targets: rebaseTargets(definition.targets) }
      : definition
  } catch (e) {
    if (e instanceof DiagnosticsError) throw diagnosticsToError(e.diagnostics, files)
    throw e
  }
}

async function readFiles(files: readonly BakeFile[], options: ReadOptions): Promise<Definition> {
  const { composeFiles, bodies } = await sortFiles(files, options)
  const base = composeFiles.length === 0 ? empty : await readCompose(composeFiles, options)
  if (bodies.length === 0) return base
  const lookup = (name: string): string | undefined =>
    options.variables.get(name) ?? options.environment.get(name)
  const { builtins, functions } = options
  const evaluated = evaluateDefinition(new MergedBody(bodies), base, { builtins, lookup, functions })
  return { ...evaluated, groups: withRenamed(evaluated.groups, evaluated.renamed) }
}

/** Tells compose files from HCL and JSON by their names, or by trying where the name does not tell. */
async function sortFiles(
  files: readonly BakeFile[],
  options: ReadOptions,
): Promise<{ composeFiles: BakeFile[]; bodies: Body[] }> {
  const composeFiles: BakeFile[] = []
  const bodies: Body[] = []
  for (const file of files) {
    const extension = /\.(ya?ml|json|hcl)$/i.exec(file.name)?.[1]?.toLowerCase()
    if (extension === 'json' || extension === 'hcl') bodies.push(parseHclFile(file))
    else if (extension !== undefined && dotEnvProblem(options) === undefined) {
      await checkCompose(file, options)
      composeFiles.push(file)
    } else await sortUnknown(file, options, composeFiles, bodies)
  }
  return { composeFiles, bodies }
}

/** What is wrong with the `.env` file; files that only compose can read are then refused as files of no kind. */
function dotEnvProblem(options: ReadOptions): unknown {
  try {
    composeOptions(options)
    return undefined
  } catch (e) {
    return e
  }
}

async function sortUnknown(
  file: BakeFile,
  options: ReadOptions,
  composeFiles: BakeFile[],
  bodies: Body[],
): Promise<void> {
  let composeError: unknown
  try {
    await checkCompose(file, options)
    composeFiles.push(file)
    return
  } catch (e) {
    composeError = e
  }
  try {
    bodies.push(parseHclFile(file))
  } catch (e) {
    if (!(e instanceof DiagnosticsError)) throw e
    const why = composeError instanceof Error ? composeError.message : String(composeError)
    throw new SlipwayError(
      'invalid-argument',
      `failed to parse ${file.name}: parsing yaml: ${why}, parsing hcl: ${e.message}`,
    )
  }
}

function composeOptions(options: ReadOptions): ComposeReadOptions {
  const find = composeLookup(options.variables, options.environment, options.dotEnv)
  const missing = (name: string): void =>
    options.warn?.(`The ${quote(name)} variable is not set. Defaulting to a blank string.`)
  return {
    lookup: Object.assign((name: string) => find(name), {
      missing,
      ...(options.warn === undefined ? {} : { warn: options.warn }),
    }),
    home: options.functions.home,
    readFile: options.readFile ?? (() => Promise.resolve(undefined)),
    ...(options.warn === undefined ? {} : { warn: options.warn }),
  }
}

async function checkCompose(file: BakeFile, options: ReadOptions): Promise<void> {
  const { checkComposeFile } = await import('./compose/compose-definition.ts')
  await checkComposeFile(file, composeOptions(options))
}

async function readCompose(files: readonly BakeFile[], options: ReadOptions): Promise<Definition> {
  const { readComposeDefinition } = await import('./compose/compose-definition.ts')
  let definition: Definition
  try {
    definition = await readComposeDefinition(files, composeOptions(options))
  } catch (e) {
    throw wrapError('failed to parse compose file', e)
  }
  const folder = fileFolder(files[0]?.name ?? '')
  if (folder === undefined) return definition
  const based = (t: Target): Target => {
    const contexts = new Map([...(t.contexts?.keys() ?? [])].map(k => [k, folder]))
    return { ...t, bases: { byDefault: folder, context: folder, contexts } }
  }
  return { ...definition, targets: definition.targets.map(based) }
}

function withRenamed(groups: readonly Group[], renamed: readonly Group[]): Group[] {
  return [...groups.map(g => ({ ...g, targets: [...new Set(g.targets)] })), ...renamed]
}
