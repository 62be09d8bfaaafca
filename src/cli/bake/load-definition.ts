import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type BakeArguments,
  type BakeFile,
  filesFromEnvironment,
  maxFileSize,
  planFiles,
  readLocalFiles,
  splitArguments,
} from '../../bake/file-plan.ts'
import { parseVariables } from '../../bake/flag-overrides.ts'
import { readBakeDefinition } from '../../bake/read-definition.ts'
import { isRemoteUrl } from '../../bake/remote-url.ts'
import type { Definition } from '../../bake/target.ts'
import type { RemoteDefinition } from '../../build/read-remote-definition.ts'
import { collect } from '../../bytes/collect.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { parseBool, tryParseBool } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { clientStep, type ClientStep } from '../../progress/client-step.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import type { BakeFlags } from '../commands/bake-flags.ts'
import type { Host } from '../host.ts'
import { hostPlatform } from '../host-platform.ts'

/** What a definition is read with. */
export interface LoadOptions {
  readonly host: Host
  /** Where reading is shown. */
  readonly write: StatusWriter
  readonly signal: AbortSignal
  /** Takes what the user is to be warned of, one line each. */
  readonly warn: (line: string) => void
  /** Reads files of a git repository or an http server; no names stand for the default ones. */
  readonly readRemote: (url: string, names: readonly string[]) => Promise<RemoteDefinition>
}

/** What the files of a call define. */
export interface LoadedDefinition {
  readonly definition: Definition
  /** The arguments taken apart. */
  readonly asked: BakeArguments
  /** URL under which relative contexts lie, empty for a local definition. */
  readonly remoteUrl: string
  /** A folder of the remote definition as a graph, where its URL cannot name folders. */
  readonly remoteFolder?: RemoteDefinition['folder']
  readonly fileRelativePaths: boolean
  /** Variables as far as `--set` and definitions may use them. */
  readonly environment: ReadonlyMap<string, string>
}

/** Reads the files that flags, environment and arguments name. Throws in buildx's words. */
export async function loadDefinition(
  args: readonly string[],
  flags: Pick<BakeFlags, 'file' | 'variables'>,
  options: LoadOptions,
): Promise<LoadedDefinition> {
  const { host } = options
  const { env } = host
  const asked = splitArguments(args, isRemoteUrl)
  const { files, remote } = await readFiles(asked.url, flags.file, options)
  if (files.length === 0) throw new SlipwayError('not-found', "couldn't find a bake definition")
  const variables = parseVariables(flags.variables)
  const fileRelativePaths = switchOf(env, 'BUILDX_BAKE_FILE_RELATIVE_PATHS')
  const known = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const isOpen = tryParseBool(env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] ?? '') !== true
  const dotEnv = await readIfAny('.env', host)
  const definition = await readBakeDefinition(files, {
    builtins: new Map([
      ['BAKE_CMD_CONTEXT', asked.commandContext],
      ['BAKE_LOCAL_PLATFORM', formatPlatform(hostPlatform())],
    ]),
    variables,
    environment: new Map(isOpen ? known : []),
    ...(dotEnv === undefined ? {} : { dotEnv: { name: '.env', data: dotEnv } }),
    functions: { now: host.now(), home: env['HOME'] ?? '', random: size => host.random(size) },
    readFile: path => readIfAny(path, host),
    warn: options.warn,
    fileRelativePaths,
  })
  const remoteUrl = remote?.hasFiles === true ? asked.url : ''
  const remoteFolder = remote?.folder
  return {
    definition,
    asked,
    remoteUrl,
    ...(remoteFolder === undefined ? {} : { remoteFolder }),
    fileRelativePaths,
    environment: new Map(known),
  }
}

function switchOf(env: Host['env'], name: string): boolean {
  const value = (env[name] ?? '').trim()
  if (value === '') return false
  try {
    return parseBool(value)
  } catch (error) {
    throw wrapError(`failed to parse ${name} value ${quote(value)}`, error)
  }
}

async function readFiles(
  url: string,
  given: readonly string[],
  options: LoadOptions,
): Promise<{ readonly files: readonly BakeFile[]; readonly remote: RemoteDefinition | undefined }> {
  const { host, write } = options
  const { env } = host
  const listed = filesFromEnvironment(env['BUILDX_BAKE_FILE'], env['BUILDX_BAKE_PATH_SEPARATOR'])
  const fromEnvironment = given.length === 0 && listed.length > 0
  const plan = planFiles(fromEnvironment ? listed : given, url !== '')
  const remote = plan.readsRemote ? await options.readRemote(url, plan.remote) : undefined
  const files = [...(remote?.files ?? [])]
  if (plan.readsLocal) {
    const where = fromEnvironment ? ' from BUILDX_BAKE_FILE env' : ''
    const now = (): number => host.now()
    const read = clientStep(
      write,
      `[internal] load local bake definitions${where}`,
      // A file that cannot be read is the error of the command, not of the step.
      step =>
        readLocalFiles(plan.local, stepReader(step, fromEnvironment, options), options.signal).catch(
          asFailure,
        ),
      { now },
    )
    const found = await read
    if (!Array.isArray(found)) throw found.failure
    files.push(...found)
  }
  return { files, remote }
}

const asFailure = (failure: unknown): { readonly failure: unknown } => ({ failure })

/** Reads files and shows how: `reading docker-bake.hcl 597B / 597B`. */
function stepReader(
  { digest, write }: ClientStep,
  fromEnvironment: boolean,
  { host }: LoadOptions,
): Parameters<typeof readLocalFiles>[1] {
  const shown = async <T extends Uint8Array | undefined>(
    what: string,
    isWhole: boolean,
    read: () => Promise<T>,
  ): Promise<T> => {
    const started = host.now()
    const data = await read()
    if (data === undefined) return data
    const total = isWhole ? { total: data.length } : {}
    const row = { id: what, vertex: digest, current: data.length, ...total, started }
    write({ statuses: [{ ...row, timestamp: host.now(), completed: host.now() }] })
    return data
  }
  return {
    fromEnvironment,
    readFile: name => shown(`reading ${name}`, true, () => readIfAny(name, host)),
    readStdin: () => {
      const limit = { limit: maxFileSize, what: 'definition' }
      return shown('reading from stdin', false, () => collect(host.stdin.stream, limit))
    },
  }
}

/** The content of a file named relative to the working directory; undefined when there is none. */
async function readIfAny(path: string, host: Pick<Host, 'cwd'>): Promise<Uint8Array | undefined> {
  if (path === '') return undefined
  try {
    return await readFile(resolve(host.cwd, path))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    if (errno === 'EISDIR')
      throw new SlipwayError('invalid-argument', `read ${path}: is a directory`, { cause: error })
    throw error
  }
}
