import { compareText } from '../../hcl/value/compare-text.ts'
import { lastByKey, writePairs } from './attribute-csv.ts'

/** One value of `--ssh`: an agent socket or keys that a build may use. Nothing is read here. */
export interface SshEntry {
  readonly id: string
  /** Sockets or key files; none stands for the agent of the environment. */
  readonly paths: readonly string[]
}

/** Reads `id` or `id=path,path…`. */
export function parseSshEntry(text: string): SshEntry {
  const at = text.indexOf('=')
  return at < 0 ? { id: text, paths: [] } : { id: text.slice(0, at), paths: text.slice(at + 1).split(',') }
}

/** Reads all values of `--ssh`; empty ones are left out. */
export function parseSshEntries(values: readonly string[]): SshEntry[] {
  return values.filter(v => v !== '').map(parseSshEntry)
}

/** The entry as it is written on the command line. */
export function writeSshEntry(e: SshEntry): string {
  return e.paths.length === 0 ? e.id : writePairs([[e.id, e.paths.join(',')]])
}

/** One entry per id, the last one given. */
export function distinctSsh(entries: readonly SshEntry[]): SshEntry[] {
  return lastByKey(entries, e => e.id)
}

/** Orders entries by id, then by paths. */
export function compareSsh(a: SshEntry, b: SshEntry): number {
  const order = compareText(a.id, b.id)
  if (order !== 0) return order
  for (const [i, path] of a.paths.entries()) {
    const other = b.paths[i]
    if (other === undefined) return 1
    if (path !== other) return compareText(path, other)
  }
  return a.paths.length - b.paths.length
}
