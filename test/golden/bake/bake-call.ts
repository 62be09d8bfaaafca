import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { asSlipwayError } from '../../../src/errors/slipway-error.ts'
import { type BuildOptions, printedTarget, toBuildOptions } from '../../../src/bake/build-options.ts'
import { parseAllow, addGrants } from '../../../src/bake/entitlements.ts'
import {
  type BakeFile,
  filesFromEnvironment,
  planFiles,
  readLocalFiles,
} from '../../../src/bake/file-plan.ts'
import { flagOverrides, parseVariables } from '../../../src/bake/flag-overrides.ts'
import { listDefinition, parseListRequest } from '../../../src/bake/list-definition.ts'
import { printDefinition } from '../../../src/bake/print-definition.ts'
import { privilegePrompt, privilegesRefused } from '../../../src/bake/privilege-prompt.ts'
import { missingPrivileges } from '../../../src/bake/privilege-request.ts'
import { readBakeDefinition } from '../../../src/bake/read-definition.ts'
import { resolveTargets } from '../../../src/bake/resolve-targets.ts'
import { withSourceDateEpoch } from '../../../src/bake/source-date-epoch.ts'

/** One call of `bake` in the folder of its case. */
export interface BakeCall {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

/** What a call answers. */
export interface BakeAnswer {
  readonly exit: number
  /** What is printed on standard output; for a build, the request for privileges on standard error. */
  readonly stdout: string
  /** The text behind `ERROR: ` on standard error. */
  readonly error?: string
}

interface Flags {
  files: string[]
  set: string[]
  variables: string[]
  policy: string[]
  allow: string[]
  names: string[]
  list?: string
  sbom?: string
  provenance?: string
  call?: string
  [key: string]: unknown
}

const repeated: Readonly<Record<string, 'files' | 'set' | 'variables' | 'policy' | 'allow'>> = {
  '-f': 'files',
  '--file': 'files',
  '--set': 'set',
  '--var': 'variables',
  '--policy': 'policy',
  '--allow': 'allow',
}

function parseFlags(args: readonly string[]): Flags {
  const flags: Flags = { files: [], set: [], variables: [], policy: [], allow: [], names: [] }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    const at = arg.startsWith('--') ? arg.indexOf('=') : -1
    const name = at < 0 ? arg : arg.slice(0, at)
    const value = (): string => (at < 0 ? (args[++i] as string) : arg.slice(at + 1))
    const list = repeated[name]
    if (list !== undefined) flags[list].push(value())
    else if (['--list', '--sbom', '--provenance', '--call'].includes(name))
      flags[name.slice(2) as 'list'] = value()
    else if (name === '--check') flags['call'] = 'check'
    else if (name.startsWith('--')) flags[name.slice(2)] = at < 0 ? true : arg.slice(at + 1) !== 'false'
    else flags.names.push(arg)
  }
  return flags
}

/** Does what the command does up to the build itself, in `folder`. */
export async function callBake(folder: string, call: BakeCall): Promise<BakeAnswer> {
  try {
    const said = await run(folder, call)
    return typeof said === 'string' ? { exit: 0, stdout: said } : said
  } catch (e) {
    return { exit: 1, stdout: '', error: asSlipwayError(e).message }
  }
}

async function run(folder: string, { args, env = {}, stdin = '' }: BakeCall): Promise<string | BakeAnswer> {
  const flags = parseFlags(args)
  const allowed = parseAllow(flags.allow)
  if (flags['print'] === true && flags.list !== undefined)
    throw new Error('--print and --list are mutually exclusive')
  const { overrides, policyDisabled } = flagOverrides({
    push: flags['push'] === true,
    load: flags['load'] === true,
    policy: flags.policy,
    ...(flags['no-cache'] === undefined ? {} : { noCache: flags['no-cache'] === true }),
    ...(flags['pull'] === undefined ? {} : { pull: flags['pull'] === true }),
    sbom: flags.sbom ?? '',
    provenance: flags.provenance ?? '',
    call: flags.call ?? '',
  })
  const names =
    flags.files.length > 0
      ? flags.files
      : filesFromEnvironment(env['BUILDX_BAKE_FILE'], env['BUILDX_BAKE_PATH_SEPARATOR'])
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    if (kindOf(resolve(folder, path)) === 'directory') throw new Error(`read ${path}: is a directory`)
    return readFile(resolve(folder, path)).catch(() => undefined)
  }
  const files = await readLocalFiles(planFiles(names, false).local, {
    readFile: read,
    readStdin: () => Promise.resolve(Buffer.from(stdin)),
    fromEnvironment: flags.files.length === 0,
  })
  if (files.length === 0) throw new Error("couldn't find a bake definition")
  const relative = env['BUILDX_BAKE_FILE_RELATIVE_PATHS'] === '1'
  const dotEnv = await read('.env')
  const environment = new Map(env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] === '1' ? [] : Object.entries(env))
  const definition = await readBakeDefinition(files, {
    builtins: new Map([
      ['BAKE_CMD_CONTEXT', 'cwd://'],
      ['BAKE_LOCAL_PLATFORM', 'linux/amd64'],
    ]),
    variables: parseVariables(flags.variables),
    environment,
    ...(dotEnv === undefined ? {} : { dotEnv: { name: '.env', data: dotEnv } satisfies BakeFile }),
    functions: { now: 1_700_000_000_000, home: '/home/bake', random: size => new Uint8Array(size) },
    readFile: read,
    fileRelativePaths: relative,
  })
  if (flags.list !== undefined) return listDefinition(definition, parseListRequest(flags.list))
  const resolved = resolveTargets(definition, flags.names, {
    overrides: [...flags.set, ...overrides],
    environment: name => environment.get(name),
    fileRelativePaths: relative,
  })
  let targets = withSourceDateEpoch(resolved.targets, env['SOURCE_DATE_EPOCH'])
  if (policyDisabled)
    targets = new Map(
      [...targets].map(([k, t]) => [k, { ...t, policy: [{ files: [], reset: false, disabled: true }] }]),
    )
  const builds = new Map<string, BuildOptions>()
  for (const [name, t] of targets) {
    const options = toBuildOptions(t, {
      remoteUrl: '',
      remoteHasFiles: false,
      workingDirectory: folder,
      environmentNames: Object.keys(env),
      stdoutIsTerminal: false,
      localPlatform: { os: 'linux', architecture: 'amd64' },
      stat: path => kindOf(resolve(folder, path)),
    })
    builds.set(name, options)
  }
  if (flags['print'] === true) {
    return printDefinition(
      resolved.groups,
      new Map([...targets].map(([name, t]) => [name, printedTarget(t, builds.get(name) as BuildOptions)])),
    )
  }
  const granted = addGrants(addGrants(allowed, resolved.grants), {
    read: [folder],
    write: [folder],
  })
  const request = missingPrivileges(builds.values(), granted, {
    evaluate: path => evaluate(resolve(folder, path)),
  })
  const prompt = privilegePrompt(request, {
    terminal: false,
    workingDirectory: realpathSync(folder),
    command: ['docker-buildx', 'bake', ...args],
    isRemote: false,
    checkPaths: env['BUILDX_BAKE_ENTITLEMENTS_FS'],
    allowRemotePaths: undefined,
  })
  return prompt.granted ? prompt.text : { exit: 1, stdout: prompt.text, error: privilegesRefused().message }
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : stat.isDirectory() ? 'directory' : 'file'
}

function evaluate(path: string): { existing: string; rest: string } {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    return { existing: realpathSync(path), rest: '' }
  const parent = evaluate(dirname(path))
  return {
    existing: parent.existing,
    rest: parent.rest === '' ? basename(path) : `${parent.rest}/${basename(path)}`,
  }
}

/** The calls recorded for a case. */
export interface RecordedCall extends BakeCall {
  /** What the real tool answered, and which versions of it answered so. */
  readonly expected: BakeAnswer
  readonly from: readonly string[]
  /** Where we answer differently on purpose. */
  readonly ours?: BakeAnswer
  readonly why?: string
}

/** Reads the calls of a case. */
export function readCalls(folder: string): RecordedCall[] {
  return JSON.parse(readFileSync(`${folder}/calls.json`, 'utf8')) as RecordedCall[]
}

/** The cases: folders beside this file. */
export function caseNames(): string[] {
  return readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
}

/** A call as a user would write it. */
export function titleOf(call: BakeCall): string {
  return `bake ${call.args.join(' ')}${call.stdin === undefined ? '' : `\n${call.stdin}`}`
}
