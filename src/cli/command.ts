import type { FlagSet } from '../gostd/pflag/flag-set.ts'
import type { ArgumentRule } from './argument-rule.ts'
import type { GlobalOptions } from './global-flags.ts'
import type { Host } from './host.ts'

/** What a command runs with. */
export interface CommandContext<F = unknown> {
  readonly host: Host
  /** What `flags` answered, read after parsing. */
  readonly flags: F
  /** Arguments that are no flags, already counted by the command's rule. */
  readonly args: readonly string[]
  /** How many of them stood before `--`, undefined without one. */
  readonly argsBeforeDash: number | undefined
  readonly globals: GlobalOptions
  /** Aborts when the user wants to stop. */
  readonly signal: AbortSignal
  /** How the command was called: `docker buildx build`, `slipway build`. */
  readonly path: string
}

/** A command as its module describes it. */
export interface CommandSpec<F> {
  /** What follows the name in the usage line: `[OPTIONS] PATH | URL | -`. */
  readonly usage: string
  /** How many arguments it takes. */
  readonly args: ArgumentRule
  /** Declares the flags and answers how to read them into one value after parsing. */
  readonly flags: (set: FlagSet, env: Host['env']) => () => F
  /** Leave `--builder` out of the help: the command has no use for it. */
  readonly hidesBuilder?: boolean
  /** The command still works; what to use instead, told with every call. */
  readonly deprecated?: string
  /** Flags end at the first argument: what follows belongs to another program. */
  readonly argumentsEndFlags?: boolean
  /** Does the work. The answer is the exit status, nothing for 0; what it throws is printed by the caller. */
  readonly run: (context: CommandContext<F>) => Promise<number | undefined | void>
}

/** A command whose flags have been declared but not parsed. */
export interface PreparedCommand {
  run(context: Omit<CommandContext, 'flags'>): Promise<number>
}

/** A command as the dispatcher sees it: the type of its flags is its own business. */
export interface Command {
  readonly usage: string
  readonly args: ArgumentRule
  readonly hidesBuilder: boolean
  readonly deprecated: string | undefined
  readonly argumentsEndFlags: boolean
  prepare(set: FlagSet, env: Host['env']): PreparedCommand
}

/** Makes a command of its description; the module of a command exports it as `command`. */
export function defineCommand<F>(spec: CommandSpec<F>): Command {
  return {
    usage: spec.usage,
    args: spec.args,
    hidesBuilder: spec.hidesBuilder === true,
    deprecated: spec.deprecated,
    argumentsEndFlags: spec.argumentsEndFlags === true,
    prepare: (set, env) => {
      const read = spec.flags(set, env)
      return { run: async context => (await spec.run({ ...context, flags: read() })) ?? 0 }
    },
  }
}

/** A row of the command table: what help pages need, and how to load the rest. */
export interface CommandRow {
  readonly name: string
  /** One line without a full stop. */
  readonly summary: string
  readonly aliases?: readonly string[]
  /** The aliases as docker's help shows them, where that is more than the aliases themselves. */
  readonly aliasText?: string
  /** Works, but is not listed. */
  readonly hidden?: boolean
  /** Listed only when BUILDX_EXPERIMENTAL is true. */
  readonly experimental?: boolean
  /** Loads the command; a row has this or `children`. */
  readonly load?: () => Promise<{ readonly command: Command }>
  readonly children?: readonly CommandRow[]
  /** Flags behind its name are those of the command below it: `debug --on always build .` */
  readonly lendsFlags?: boolean
}
