import type { Flag } from '../gostd/pflag/flag.ts'
import { flagUsages } from '../gostd/pflag/flag-usages.ts'
import type { Command, CommandRow } from './command.ts'

/** What a help page is about. */
export interface HelpSubject {
  /** The words that call the command: `docker buildx build`. */
  readonly path: string
  /** The words that call its parent; empty for the root. */
  readonly parentPath: string
  readonly row: CommandRow
  /** Missing for a row with children. */
  readonly command: Command | undefined
  /** Flags of the command alone. */
  readonly ownFlags: readonly Flag[]
  /** Flags that come from above, hidden ones left out. */
  readonly inheritedFlags: readonly Flag[]
  readonly experimental: boolean
}

const experimentalHint = 'Experimental commands and flags are hidden. Set BUILDX_EXPERIMENTAL=1 to show them.'

/** Narrowest column of command names. */
const minNameWidth = 11

/** Help in the form docker gives the commands of its plugins, descriptions wrapped at `columns`. */
export function pluginHelp(subject: HelpSubject, columns: number): string {
  const { path, row, experimental } = subject
  const flags = sorted([...subject.ownFlags, ...subject.inheritedFlags])
  const options = flags.length === 0 ? '' : flagUsages(flags, columns).trimEnd()
  const listed = visibleRows(row, experimental)
  const usage =
    row.children === undefined ? usageLine(subject) : `${path}${options === '' ? '' : ' [OPTIONS]'} COMMAND`
  const parts = [`Usage:  ${usage}`, row.summary]
  if (row.experimental === true) parts.push(experimentalNote(path))
  if (row.aliases !== undefined || row.aliasText !== undefined)
    parts.push(`Aliases:\n  ${aliasLine(subject)}`)
  if (options !== '') parts.push(`Options:\n${options}`)
  const groups = listed.filter(child => child.children !== undefined)
  const leaves = listed.filter(child => child.children === undefined)
  if (groups.length > 0) parts.push(`Management Commands:\n${commandLines(groups, row)}`)
  if (leaves.length > 0) parts.push(`Commands:\n${commandLines(leaves, row)}`)
  if (row.children !== undefined) {
    parts.push(`Run '${path} COMMAND --help' for more information on a command.`)
  }
  if (subject.parentPath === '' && !experimental) parts.push(experimentalHint)
  return `${parts.join('\n\n')}\n`
}

/** Help in the form of a program of its own. */
export function standaloneHelp(subject: HelpSubject): string {
  const { path, row, experimental, parentPath } = subject
  const isRoot = parentPath === ''
  const own = sorted(isRoot ? [...subject.ownFlags, ...subject.inheritedFlags] : subject.ownFlags)
  const inherited = isRoot ? [] : sorted(subject.inheritedFlags)
  const callable = row.load === undefined ? path : usageLine(subject)
  const usage = row.children === undefined ? usageLine(subject) : `${callable}\n  ${path} [command]`
  const parts = [row.summary, `Usage:\n  ${usage}`]
  if (row.aliases !== undefined) parts.push(`Aliases:\n  ${[row.name, ...row.aliases].join(', ')}`)
  const listed = visibleRows(row, experimental)
  const help: CommandRow = { name: 'help', summary: 'Help about any command' }
  const shown = isRoot && listed.length > 0 ? sorted([...listed, help]) : listed
  if (shown.length > 0) parts.push(`Available Commands:\n${commandLines(shown, row)}`)
  if (own.length > 0) parts.push(`Flags:\n${flagUsages(own).trimEnd()}`)
  if (inherited.length > 0) parts.push(`Global Flags:\n${flagUsages(inherited).trimEnd()}`)
  if (shown.length > 0) {
    parts.push(`Use "${path} [command] --help" for more information about a command.`)
  }
  if (!experimental) parts.push(experimentalHint)
  return `${parts.join('\n\n')}\n`
}

/** The usage line of a command, as messages repeat it. */
export function usageLine(subject: Pick<HelpSubject, 'path' | 'command'>): string {
  const usage = subject.command?.usage ?? ''
  return usage === '' ? subject.path : `${subject.path} ${usage}`
}

function visibleRows(row: CommandRow, experimental: boolean): CommandRow[] {
  const rows = (row.children ?? []).filter(
    child => child.hidden !== true && (experimental || !child.experimental),
  )
  return sorted(rows).map(child =>
    child.experimental === true ? { ...child, summary: `${child.summary} (EXPERIMENTAL)` } : child,
  )
}

function commandLines(rows: readonly CommandRow[], parent: CommandRow): string {
  const width = Math.max(minNameWidth, ...(parent.children ?? []).map(child => child.name.length))
  return rows.map(row => `  ${row.name.padEnd(width)} ${row.summary}`).join('\n')
}

function aliasLine({ path, parentPath, row }: HelpSubject): string {
  if (row.aliasText !== undefined) return row.aliasText
  return [path, ...(row.aliases ?? []).map(alias => `${parentPath} ${alias}`)].join(', ')
}

function experimentalNote(path: string): string {
  return `EXPERIMENTAL:\n  ${path} may change or go away in any release.`
}

function sorted<T extends { readonly name: string }>(named: readonly T[]): T[] {
  return named.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
