import type { Flag } from '../gostd/pflag/flag.ts'
import { FlagSet, type ParsedArgs } from '../gostd/pflag/flag-set.ts'
import type { Command, CommandRow, PreparedCommand } from './command.ts'
import { completeCommands } from './complete-commands.ts'
import { findCommand } from './find-command.ts'
import {
  type DockerOptions,
  dockerFlags,
  isExperimental,
  type PersistentFlags,
  persistentFlags,
} from './global-flags.ts'
import type { HelpSubject } from './help.ts'
import type { Host, HostOutput } from './host.ts'
import { metadataCommand, pluginMetadata } from './plugin-metadata.ts'

/** Exit status of a wrong flag when docker calls the plugin. */
const usageStatus = 125

/** How this process was called. */
interface Mode {
  readonly plugin: boolean
  /** First words of every command: `docker buildx`, `slipway`. */
  readonly path: string
  /** The first of them, which begins messages about the number of arguments. */
  readonly program: string
  readonly docker: DockerOptions
  readonly debug: boolean
  readonly argv: readonly string[]
}

/**
 * Runs one command line: as a docker plugin when docker says so
 * (https://github.com/docker/cli/blob/v29.1.3/cli-plugins/plugin/plugin.go), else as a program of its own. Answers the
 * exit status; errors are printed here.
 */
export async function runCli(host: Host, table: CommandRow, signal: AbortSignal): Promise<number> {
  const isPlugin = (host.env['DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND'] ?? '') !== ''
  const warn = (line: string): void => host.stderr.write(`${line}\n`)
  const before = dockerFlags(host.env, warn)
  let argv = host.args
  if (isPlugin) {
    try {
      argv = before.set.parse(host.args).args
    } catch (error) {
      const usage = 'docker [OPTIONS] buildx [ARG...]'
      return await usageError(host, error, { usage, path: 'docker' })
    }
    argv = withoutPluginName(argv, table.name)
  }
  if (argv[0] === metadataCommand) {
    host.stdout.write(pluginMetadata())
    return 0
  }
  if (argv[0] !== undefined && completeCommands.includes(argv[0])) {
    const { complete } = await import('./complete.ts')
    const { docker } = before.read()
    return await complete(host, table, argv.slice(1), { docker, describe: argv[0] === completeCommands[0] })
  }
  const mode: Mode = {
    plugin: isPlugin,
    path: isPlugin ? `docker ${table.name}` : host.program,
    program: isPlugin ? 'docker' : host.program,
    ...before.read(),
    argv,
  }
  return await new Run(host, table, mode, signal).run()
}

/**
 * The words of a command behind the name of the plugin: `buildx ls`, `help buildx ls` (docker asks for help so), and
 * `__complete buildx l` (shells ask so what may follow).
 */
function withoutPluginName(argv: readonly string[], name: string): readonly string[] {
  const [first = '', second] = argv
  if (first === name) return argv.slice(1)
  if (second !== name) return argv
  if (first === 'help') return [...argv.slice(2), '--help']
  return completeCommands.includes(first) ? [first, ...argv.slice(2)] : argv
}

class Run {
  readonly #host: Host
  readonly #table: CommandRow
  readonly #mode: Mode
  readonly #signal: AbortSignal
  readonly #warn: (line: string) => void
  readonly #global: FlagSet
  readonly #persistent: PersistentFlags
  readonly #help: Flag<boolean>

  constructor(host: Host, table: CommandRow, mode: Mode, signal: AbortSignal) {
    this.#host = host
    this.#table = table
    this.#mode = mode
    this.#signal = signal
    this.#warn = line => host.stderr.write(`${line}\n`)
    this.#global = new FlagSet({ warn: this.#warn })
    this.#persistent = persistentFlags(this.#global, host.env)
    this.#help = this.#global.bool('help', {
      shorthand: 'h',
      usage: 'Print this help',
      ...(mode.plugin ? { hidden: true, shorthandDeprecated: 'use --help' } : {}),
    })
  }

  async run(): Promise<number> {
    const { argv, plugin } = this.#mode
    const isHelp = !plugin && argv[0] === 'help'
    const found = findCommand(this.#table, isHelp ? argv.slice(1) : argv, this.#global)
    const row = found.rows.at(-1) as CommandRow
    const command = row.load === undefined ? undefined : (await row.load()).command
    const set = new FlagSet({ warn: this.#warn, interspersed: command?.argumentsEndFlags !== true })
    const prepared = command?.prepare(set, this.#host.env)
    const own = set.list()
    for (const flag of this.#global.list()) if (set.lookup(flag.name) === undefined) set.share(flag)
    const subject = this.#subject(found.rows, command, own)
    let parsed: ParsedArgs
    try {
      this.#global.parse(found.leading)
      parsed = set.parse(found.args)
    } catch (error) {
      if (!plugin) return await this.#fail(error)
      const { usageLine } = await import('./help.ts')
      return await usageError(this.#host, error, { usage: usageLine(subject), path: subject.path })
    }
    if (isHelp && parsed.args.length > 0) {
      this.#host.stderr.write(`Unknown help topic [\`${parsed.args.join(' ')}\`]\n`)
      await this.#showHelp(subject, this.#host.stderr)
      return 0
    }
    if (isHelp || this.#help.value) {
      await this.#showHelp(subject)
      return 0
    }
    if (command === undefined || prepared === undefined) return await this.#group(subject, parsed)
    return await this.#command(subject, command, prepared, parsed)
  }

  async #group(subject: HelpSubject, parsed: ParsedArgs): Promise<number> {
    await this.#showHelp(subject)
    const [word] = parsed.args
    if (word === undefined) return 0
    this.#host.stderr.write(`ERROR: unknown command: ${JSON.stringify(word)}\n`)
    return 1
  }

  async #command(
    subject: HelpSubject,
    command: Command,
    prepared: PreparedCommand,
    parsed: ParsedArgs,
  ): Promise<number> {
    const { path } = subject
    if (command.deprecated !== undefined)
      this.#warn(`Command ${JSON.stringify(subject.row.name)} is deprecated, ${command.deprecated}`)
    const wrong = command.args(parsed.args.length, parsed.args)
    if (typeof wrong === 'object') {
      const sentence =
        'word' in wrong
          ? `unknown command ${JSON.stringify(wrong.word)} for ${JSON.stringify(path)}`
          : wrong.sentence
      this.#host.stderr.write(`ERROR: ${sentence}\n`)
      return 1
    }
    if (wrong !== undefined) {
      const { usageLine } = await import('./help.ts')
      const see = wrong.startsWith('requires at least') && !wrong.includes(' and ') ? 'See' : 'Run'
      const usage = `Usage:  ${usageLine(subject)}\n\n${see} '${path} --help' for more information`
      this.#host.stderr.write(`ERROR: ${this.#mode.program}: '${path}' ${wrong}\n\n${usage}\n`)
      return 1
    }
    try {
      return await prepared.run({
        host: this.#host,
        args: parsed.args,
        argsBeforeDash: parsed.dashAt,
        globals: {
          builder: this.#persistent.builder.value,
          debug: this.#debug,
          docker: this.#mode.docker,
        },
        signal: this.#signal,
        path,
      })
    } catch (error) {
      if (error instanceof Error && 'exitCode' in error && error.name === 'RanElsewhere')
        return Number(error.exitCode)
      return await this.#fail(error)
    }
  }

  get #debug(): boolean {
    return this.#mode.debug || this.#persistent.debug.value
  }

  async #fail(error: unknown): Promise<number> {
    const { printError } = await import('./print-error.ts')
    const { plugin, path } = this.#mode
    const asBuildx = plugin || path === 'docker-buildx'
    return printError(this.#host, error, { debug: this.#debug, ...(asBuildx ? { path } : {}) })
  }

  async #showHelp(subject: HelpSubject, output: HostOutput = this.#host.stdout): Promise<void> {
    const { pluginHelp, standaloneHelp } = await import('./help.ts')
    const { stdin, stdout } = this.#host
    const width = stdin.isTTY && stdout.columns > 0 ? stdout.columns : 80
    output.write(this.#mode.plugin ? pluginHelp(subject, width - 1) : standaloneHelp(subject))
  }

  #subject(rows: readonly CommandRow[], command: Command | undefined, own: readonly Flag[]): HelpSubject {
    const names = rows.slice(1).map(row => row.name)
    const help = this.#help as unknown as Flag
    const hidden = command?.hidesBuilder === true ? 'builder' : ''
    const inherited = this.#global.list().filter(flag => flag !== help && flag.name !== hidden)
    const words = (count: number): string => [this.#mode.path, ...names.slice(0, count)].join(' ')
    return {
      path: words(names.length),
      parentPath: names.length === 0 ? '' : words(names.length - 1),
      row: rows.at(-1) as CommandRow,
      command,
      ownFlags: this.#mode.plugin ? own : [...own, help],
      inheritedFlags: inherited.filter(flag => !own.some(other => other.name === flag.name)),
      experimental: isExperimental(this.#host.env),
    }
  }
}

async function usageError(
  host: Host,
  error: unknown,
  { usage, path }: { readonly usage: string; readonly path: string },
): Promise<number> {
  const message = error instanceof Error ? error.message : String(error)
  host.stderr.write(`${message}\n\nUsage:  ${usage}\n\nRun '${path} --help' for more information\n`)
  return usageStatus
}
