import { withSuggestion } from '../suggest.ts'
import { invalid } from './argument-error.ts'

/** The flags that an instruction knows. */
export type FlagKinds = Readonly<Record<string, 'bool' | 'text' | 'list'>>

/** Values of the flags that were given. */
export interface Flags {
  /** The value of a text flag; undefined where it was not given. */
  text(name: string): string | undefined
  /** The value of a bool flag; undefined where it was not given. */
  bool(name: string): boolean | undefined
  /** The values of a flag that may be repeated. */
  list(name: string): readonly string[]
}

/** Reads `--name`, `--name=value` words. Throws `invalid-argument` with BuildKit's words. */
export function parseFlags(words: readonly string[], kinds: FlagKinds): Flags {
  const given = new Map<string, string[]>()
  for (const word of words) {
    const [name, value] = readFlag(word, kinds, given)
    given.set(name, [...(given.get(name) ?? []), value])
  }
  return {
    text: name => given.get(name)?.[0],
    bool: name => (given.has(name) ? given.get(name)?.[0] === 'true' : undefined),
    list: name => given.get(name) ?? [],
  }
}

function readFlag(word: string, kinds: FlagKinds, given: ReadonlyMap<string, unknown>): [string, string] {
  const at = word.indexOf('=')
  const flag = at < 0 ? word : word.slice(0, at)
  const value = at < 0 ? undefined : word.slice(at + 1)
  const name = flag.slice(2)
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind === undefined) throw withSuggestion(invalid(`unknown flag: ${flag}`), name, Object.keys(kinds))
  if (kind !== 'list' && given.has(name)) throw invalid(`duplicate flag specified: ${flag}`)
  if (kind === 'bool') return [name, readBool(flag, value)]
  if (value === undefined) throw invalid(`missing a value on flag: ${flag}`)
  return [name, value]
}

function readBool(flag: string, value: string | undefined): string {
  if (value === '') throw invalid(`missing a value on flag: ${flag}`)
  const lower = value?.toLowerCase() ?? 'true'
  if (lower !== 'true' && lower !== 'false') {
    throw invalid(`expecting boolean value for flag ${flag}, not: ${value}`)
  }
  return lower
}
