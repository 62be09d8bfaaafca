import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Duration } from '../duration.ts'
import { quote, quoteRune } from '../quote.ts'
import { Flag, type FlagOptions } from './flag.ts'
import {
  boolType,
  countType,
  durationType,
  type FlagType,
  int64Type,
  intType,
  stringArrayType,
  stringSliceType,
  stringToStringType,
  stringType,
} from './flag-type.ts'

/** How a set of flags reads its arguments. */
export interface FlagSetOptions {
  /** Whether flags may follow arguments; otherwise the first argument ends the flags. @default true */
  readonly interspersed?: boolean
  /** Maps a long name to the one that is declared (`keepStorage` to `keep-storage`). */
  readonly normalize?: (name: string) => string
  /** Receives deprecation notes, one line without a newline. */
  readonly warn?: (line: string) => void
}

/** The arguments that are no flags; `dashAt` counts those before `--`, undefined without one. */
export interface ParsedArgs {
  readonly args: readonly string[]
  readonly dashAt: number | undefined
}

/**
 * Declared flags and their grammar, which is pflag's: `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * `-n=value`, `-abc`, flags between arguments, `--` as the end. https://github.com/spf13/pflag/tree/v1.0.10
 */
export class FlagSet {
  readonly #flags = new Map<string, Flag>()
  readonly #shorthands = new Map<string, Flag>()
  readonly #options: FlagSetOptions

  constructor(options: FlagSetOptions = {}) {
    this.#options = options
  }

  /** Declares a flag of any type; throws a programming error when the name or shorthand is taken. */
  add<T>(name: string, type: FlagType<T>, options: FlagOptions<T>): Flag<T> {
    const flag = new Flag(name, type, options)
    this.share(flag)
    return flag
  }

  /** Adds a flag that another set owns too (global flags seen by a command). */
  share<T>(flag: Flag<T>): void {
    const shared = flag as unknown as Flag
    const name = this.#normalize(flag.name)
    if (this.#flags.has(name)) throw new TypeError(`flag redefined: ${name}`)
    this.#flags.set(name, shared)
    if (flag.shorthand === '') return
    if (this.#shorthands.has(flag.shorthand)) throw new TypeError(`shorthand redefined: ${flag.shorthand}`)
    this.#shorthands.set(flag.shorthand, shared)
  }

  string(name: string, options: FlagOptions<string>): Flag<string> {
    return this.add(name, stringType, options)
  }

  bool(name: string, options: FlagOptions<boolean>): Flag<boolean> {
    return this.add(name, boolType, options)
  }

  int(name: string, options: FlagOptions<number>): Flag<number> {
    return this.add(name, intType, options)
  }

  int64(name: string, options: FlagOptions<number>): Flag<number> {
    return this.add(name, int64Type, options)
  }

  count(name: string, options: FlagOptions<number>): Flag<number> {
    return this.add(name, countType, options)
  }

  duration(name: string, options: FlagOptions<Duration>): Flag<Duration> {
    return this.add(name, durationType, options)
  }

  stringArray(name: string, options: FlagOptions<readonly string[]>): Flag<readonly string[]> {
    return this.add(name, stringArrayType, options)
  }

  stringSlice(name: string, options: FlagOptions<readonly string[]>): Flag<readonly string[]> {
    return this.add(name, stringSliceType, options)
  }

  stringToString(
    name: string,
    options: FlagOptions<ReadonlyMap<string, string>>,
  ): Flag<ReadonlyMap<string, string>> {
    return this.add(name, stringToStringType, options)
  }

  /** The flag of a long name. */
  lookup(name: string): Flag | undefined {
    return this.#flags.get(this.#normalize(name))
  }

  /** The flag of a one-letter name. */
  lookupShorthand(letter: string): Flag | undefined {
    return this.#shorthands.get(letter)
  }

  /** Every flag, sorted by name. */
  list(): Flag[] {
    return [...this.#flags.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Sets the flags that `argv` gives and answers the rest. Throws `invalid-argument` with pflag's texts. */
  parse(argv: readonly string[]): ParsedArgs {
    const { interspersed = true } = this.#options
    const args: string[] = []
    let at = 0
    while (at < argv.length) {
      const arg = argv[at++] as string
      if (arg === '--') {
        const dashAt = args.length
        return { args: [...args, ...argv.slice(at)], dashAt }
      }
      if (arg.startsWith('--')) at = this.#long(arg, argv, at)
      else if (arg.length > 1 && arg.startsWith('-')) at = this.#short(arg.slice(1), argv, at)
      else {
        args.push(arg)
        if (!interspersed) return { args: [...args, ...argv.slice(at)], dashAt: undefined }
      }
    }
    return { args, dashAt: undefined }
  }

  #long(arg: string, argv: readonly string[], next: number): number {
    const body = arg.slice(2)
    if (body.startsWith('-') || body.startsWith('=')) throw fail(`bad flag syntax: ${arg}`)
    const equals = body.indexOf('=')
    const name = equals < 0 ? body : body.slice(0, equals)
    const flag = this.lookup(name)
    if (flag === undefined) throw fail(`unknown flag: --${name}`)
    if (equals >= 0) this.#set(flag, body.slice(equals + 1))
    else if (flag.noOptDefault !== '') this.#set(flag, flag.noOptDefault)
    else {
      const value = argv[next]
      if (value === undefined) throw fail(`flag needs an argument: --${name}`)
      this.#set(flag, value)
      return next + 1
    }
    return next
  }

  #short(letters: string, argv: readonly string[], next: number): number {
    let rest = letters
    while (rest !== '') {
      const letter = rest[0] as string
      const flag = this.#shorthands.get(letter)
      if (flag === undefined) throw fail(`unknown shorthand flag: ${quoteRune(letter)} in -${rest}`)
      let value: string | undefined
      let used = 0
      if (rest.length > 2 && rest[1] === '=') value = rest.slice(2)
      else if (flag.noOptDefault === '') {
        value = rest.length > 1 ? rest.slice(1) : argv[next]
        if (value === undefined) throw fail(`flag needs an argument: ${quoteRune(letter)} in -${rest}`)
        if (rest.length === 1) used = 1
      }
      if (flag.shorthandDeprecated !== '') {
        this.#options.warn?.(
          `Flag shorthand -${flag.shorthand} has been deprecated, ${flag.shorthandDeprecated}`,
        )
      }
      this.#set(flag, value ?? flag.noOptDefault)
      if (value !== undefined) return next + used
      rest = rest.slice(1)
    }
    return next
  }

  #set(flag: Flag, text: string): void {
    const first = !flag.changed
    try {
      flag.set(text)
    } catch (cause) {
      const shown =
        flag.shorthand !== '' && flag.shorthandDeprecated === ''
          ? `-${flag.shorthand}, --${flag.name}`
          : `--${flag.name}`
      const problem = cause instanceof Error ? cause.message : String(cause)
      throw fail(`invalid argument ${quote(text)} for ${quote(shown)} flag: ${problem}`, cause)
    }
    if (first && flag.deprecated !== '') {
      this.#options.warn?.(`Flag --${flag.name} has been deprecated, ${flag.deprecated}`)
    }
  }

  #normalize(name: string): string {
    return this.#options.normalize?.(name) ?? name
  }
}

function fail(message: string, cause?: unknown): SlipwayError {
  return new SlipwayError('invalid-argument', message, cause === undefined ? {} : { cause })
}
