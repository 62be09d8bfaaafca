import type { FlagSet } from '../gostd/pflag/flag-set.ts'
import type { CommandRow } from './command.ts'

/** A row of the command table together with the rows above it, and the arguments that are left for it. */
export interface FoundCommand {
  /** From the root down; the last is the command itself. */
  readonly rows: readonly CommandRow[]
  readonly args: readonly string[]
  /** Flags that stood before the names of commands. */
  readonly leading: readonly string[]
}

/**
 * Walks down the table along the words of `argv`. Flags may stand between the words; `flags` tells which of them take
 * the next word as their value (an unknown flag is assumed to). The walk ends at the first word that names no child.
 */
export function findCommand(root: CommandRow, argv: readonly string[], flags: FlagSet): FoundCommand {
  const rows = [root]
  const leading: string[] = []
  let rest = argv
  for (;;) {
    const at = firstWord(rest, flags)
    const word = at === undefined ? undefined : rest[at]
    const child = rows
      .at(-1)
      ?.children?.find(row => row.name === word || row.aliases?.includes(word ?? '') === true)
    if (at === undefined || child === undefined) return { rows, args: rest, leading }
    const skipped = rest.slice(0, at)
    const isLent = rows.at(-1)?.lendsFlags === true
    if (!isLent) leading.push(...skipped)
    rows.push(child)
    rest = [...(isLent ? skipped : []), ...rest.slice(at + 1)]
  }
}

function firstWord(argv: readonly string[], flags: FlagSet): number | undefined {
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] as string
    if (arg === '--') return undefined
    if (arg === '-' || !arg.startsWith('-')) return at
    if (takesNext(arg, flags)) at++
  }
  return undefined
}

function takesNext(arg: string, flags: FlagSet): boolean {
  if (arg.includes('=')) return false
  if (arg.startsWith('--')) return (flags.lookup(arg.slice(2))?.noOptDefault ?? '') === ''
  return arg.length === 2 && (flags.lookupShorthand(arg.slice(1))?.noOptDefault ?? '') === ''
}
