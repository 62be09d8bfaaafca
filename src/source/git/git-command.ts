import { SlipwayError } from '../../errors/slipway-error.ts'
import { abortError } from '../../async/abort.ts'
import { redact } from '../../errors/redact.ts'
import { spawn } from '../../sys/spawn.ts'
import { isCommitSha } from './git-identifier.ts'

/** What git is run with. */
export interface GitOptions {
  /** The environment that git may see besides what is set here: PATH, proxies. */
  readonly env: Readonly<Record<string, string>>
  /** Further configuration; values (tokens) are seen by git and its children only. */
  readonly config?: readonly (readonly [name: string, value: string])[]
  /** Texts that must not be shown. */
  readonly hidden?: readonly string[]
  readonly sshAgent?: string | undefined
  /** File of known hosts. */
  readonly knownHosts?: string | undefined
  /** Gets what git says, line by line. */
  readonly log?: (stream: 1 | 2, data: Uint8Array) => void
  readonly signal: AbortSignal
}

/** Where git works. */
export interface GitPlace {
  readonly gitDir?: string
  readonly workTree?: string
}

/** The installed git, which reads no configuration but what it is given, asks nothing and runs no hooks. */
export interface Git {
  /** Standard output. Throws `unknown` with git's words, `failed-precondition` where git is missing. */
  run(args: readonly string[], place?: GitPlace): Promise<string>
  /** The same, as it is. */
  bytes(args: readonly string[], place?: GitPlace): Promise<Buffer>
}

/** Most bytes of output that are kept. */
const outputLimit = 64 << 20

/** Commands whose output users want to see: those that talk to remotes, and what commit it came to. */
const shownCommands: readonly string[] = ['ls-remote', 'fetch', 'submodule', 'rev-parse']

/** Repositories must not name the machine's files as their submodules, nor run programs of it. */
const safeConfig: readonly (readonly [string, string])[] = [
  ['protocol.file.allow', 'user'],
  ['protocol.ext.allow', 'never'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['init.defaultBranch', 'master'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
]

/** Git with these options. */
export function createGit(options: GitOptions): Git {
  const env = environment(options)
  const bytes: Git['bytes'] = async (args, place = {}) => {
    for (let attempt = args; ; ) {
      const { code, stdout, stderr } = await runOnce(attempt, place, env, options)
      if (code === 0) return stdout
      const easier = easierArgs(attempt, stderr)
      if (easier === undefined) {
        const text = hide(inTree(stderr, place), options.hidden)
        throw new SlipwayError('unknown', `git stderr:\n${text}: exit status ${code}`)
      }
      attempt = easier
    }
  }
  return { bytes, run: async (args, place) => (await bytes(args, place)).toString('utf8') }
}

function environment(options: GitOptions): Record<string, string> {
  const hosts =
    options.knownHosts === undefined
      ? '-o StrictHostKeyChecking=no'
      : `-o UserKnownHostsFile=${options.knownHosts}`
  const config = [...safeConfig, ...(options.config ?? [])]
  return {
    ...options.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: `ssh -F /dev/null ${hosts}`,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    HOME: '/dev/null',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(config.map(([name], i) => [`GIT_CONFIG_KEY_${i}`, name])),
    ...Object.fromEntries(config.map(([, value], i) => [`GIT_CONFIG_VALUE_${i}`, value])),
    ...(options.sshAgent === undefined ? {} : { SSH_AUTH_SOCK: options.sshAgent }),
  }
}

async function runOnce(
  args: readonly string[],
  place: GitPlace,
  env: Record<string, string>,
  options: GitOptions,
): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const where = [
    ...(place.gitDir === undefined ? [] : ['--git-dir', place.gitDir]),
    ...(place.workTree === undefined ? [] : ['--work-tree', place.workTree]),
  ]
  // The modes of files must not depend on how the engine was started.
  const command = ['-c', 'umask 0022 && exec git "$@"', 'git', ...where, ...args]
  const cwd = place.workTree ?? place.gitDir
  const { child, exit } = spawn('sh', command, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal,
    ...(cwd === undefined ? {} : { cwd }),
  })
  const shown = shownCommands.includes(args[0] ?? '')
  const collect = (stream: 1 | 2): Output => {
    const output = new Output(stream, place, shown ? options : { ...options, log: () => {} })
    const readable = stream === 1 ? child.stdout : child.stderr
    readable?.on('data', (chunk: Buffer) => {
      if (!output.add(chunk)) child.kill('SIGKILL')
    })
    return output
  }
  const outputs = { stdout: collect(1), stderr: collect(2) }
  const code = await exit
  if (options.signal.aborted) throw abortError(options.signal)
  const stdout = outputs.stdout.end()
  const stderr = outputs.stderr.end().toString('utf8')
  if (code === 127 && /git: (command )?not found/.test(stderr)) {
    throw new SlipwayError('failed-precondition', 'failed to find git binary', {
      hint: 'install git where the engine runs',
    })
  }
  return { code, stdout, stderr }
}

/** One stream of a program: kept, and shown line by line without what must not be seen. */
class Output {
  readonly #stream: 1 | 2
  readonly #place: GitPlace
  readonly #options: GitOptions
  readonly #chunks: Buffer[] = []
  #size = 0
  #line = ''

  constructor(stream: 1 | 2, place: GitPlace, options: GitOptions) {
    this.#stream = stream
    this.#place = place
    this.#options = options
  }

  /** False where it is too much. */
  add(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size > outputLimit) return false
    this.#chunks.push(chunk)
    this.#line += chunk.toString('latin1')
    const end = this.#line.lastIndexOf('\n') + 1
    if (end > 0) {
      this.#show(this.#line.slice(0, end))
      this.#line = this.#line.slice(end)
    }
    return true
  }

  end(): Buffer {
    if (this.#line !== '') this.#show(this.#line)
    return Buffer.concat(this.#chunks)
  }

  #show(lines: string): void {
    // Refs that are kept under names of our own are shown as the remote calls them.
    const named = Buffer.from(lines, 'latin1')
      .toString('utf8')
      .replaceAll(/(\S+)( +-> )refs\/slipway\/[0-9a-f]+/g, '$1$2$1')
    const text = hide(inTree(named, this.#place), this.#options.hidden)
    this.#options.log?.(this.#stream, Buffer.from(text))
  }
}

/** Where the tree lies meanwhile is of no use to anybody. */
function inTree(text: string, { workTree }: GitPlace): string {
  return workTree === undefined ? text : text.replaceAll(`${workTree}/`, '')
}

function hide(text: string, hidden: readonly string[] = []): string {
  return redact(hidden.reduce((rest, secret) => rest.replaceAll(secret, 'xxxxx'), text))
}

/** Servers that cannot answer a shallow request, or one for a commit, are asked for more. */
function easierArgs(args: readonly string[], stderr: string): readonly string[] | undefined {
  if (args.includes('--depth=1') && /--depth|shallow/.test(stderr))
    return args.filter(arg => arg !== '--depth=1')
  const last = args.at(-1)
  if (
    args[0] === 'fetch' &&
    last !== undefined &&
    isCommitSha(last) &&
    /not our ref|unadvertised object/.test(stderr)
  ) {
    return args.slice(0, -1)
  }
  return undefined
}
