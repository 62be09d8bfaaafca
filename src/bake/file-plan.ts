import { SlipwayError } from '../errors/slipway-error.ts'

/** A definition file; `name` is as the user gave it, `-` for standard input. */
export interface BakeFile {
  readonly name: string
  readonly data: Uint8Array
}

/** How definition files are read. */
export interface FileReader {
  /** The content of a file, `undefined` when there is none of that name. */
  readonly readFile: (name: string, signal?: AbortSignal) => Promise<Uint8Array | undefined>
  readonly readStdin: (signal?: AbortSignal) => Promise<Uint8Array>
  /** The names come from BUILDX_BAKE_FILE, which words the complaint about a missing one differently. */
  readonly fromEnvironment?: boolean
}

/** The names that are looked for without `-f`, in the order in which they are merged. */
export const defaultFileNames: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
]

/** The largest definition file that is read, in bytes. */
export const maxFileSize = 16 * 1024 * 1024

/** Which files a call reads from where. */
export interface FilePlan {
  /** Names given with `-f`, without `cwd://`; empty for the default ones. */
  readonly local: readonly string[]
  /** Names inside the remote definition; empty for the default ones. */
  readonly remote: readonly string[]
  readonly readsLocal: boolean
  readonly readsRemote: boolean
}

/** The plan for the values of `-f`: with a remote definition, `cwd://` names are local and the others are in it. */
export function planFiles(names: readonly string[], isRemote: boolean): FilePlan {
  const here = names.filter(n => n.startsWith('cwd://')).map(withoutPrefix)
  const there = names.filter(n => !n.startsWith('cwd://'))
  if (!isRemote) return { local: names.map(withoutPrefix), remote: [], readsLocal: true, readsRemote: false }
  return { local: here, remote: there, readsLocal: here.length > 0, readsRemote: true }
}

function withoutPrefix(name: string): string {
  return name.startsWith('cwd://') ? name.slice('cwd://'.length) : name
}

/**
 * Reads the named files, or every default file that exists; empty files do not count. Throws `not-found` for a named file that does not exist
 * and `invalid-argument` for one beyond `maxFileSize`.
 */
export async function readLocalFiles(
  names: readonly string[],
  reader: FileReader,
  signal?: AbortSignal,
): Promise<BakeFile[]> {
  const files: BakeFile[] = []
  for (const name of names.length > 0 ? names : defaultFileNames) {
    const data = name === '-' ? await reader.readStdin(signal) : await reader.readFile(name, signal)
    if (data === undefined) {
      if (names.length === 0) continue
      const act = reader.fromEnvironment === true ? 'stat' : 'open'
      throw new SlipwayError('not-found', `${act} ${name}: no such file or directory`)
    }
    if (data.length > maxFileSize) {
      throw new SlipwayError(
        'invalid-argument',
        `${name}: definition files may have at most ${maxFileSize} bytes`,
      )
    }
    if (data.length > 0 || name === '-') files.push({ name, data })
  }
  return files
}

/** The files that BUILDX_BAKE_FILE names: a list with BUILDX_BAKE_PATH_SEPARATOR (default `:`) between its elements. */
export function filesFromEnvironment(
  list: string | undefined,
  separator: string | undefined,
): readonly string[] {
  if (list === undefined) return []
  const mark = separator === undefined || separator === '' ? ':' : separator
  return list
    .split(mark)
    .map(name => name.trim())
    .filter(name => name !== '')
}

/** A call's arguments taken apart: the remote definition, the context for commands, and the targets. */
export interface BakeArguments {
  readonly url: string
  readonly commandContext: string
  readonly targets: readonly string[]
}

/** Takes a remote definition and a second URL for BAKE_CMD_CONTEXT off the front of the arguments. */
export function splitArguments(args: readonly string[], isRemote: (text: string) => boolean): BakeArguments {
  const [first, second] = args
  if (first === undefined || !isRemote(first)) return { url: '', commandContext: 'cwd://', targets: args }
  if (second === undefined || !isRemote(second))
    return { url: first, commandContext: 'cwd://', targets: args.slice(1) }
  return { url: first, commandContext: second, targets: args.slice(2) }
}
