import { type Dirent, readdirSync } from 'node:fs'
import { decodeName, fsPath } from '../bytes/path-string.ts'

/** A name in a directory on disk, and whether it might be a whiteout: only devices and symlinks are. */
export interface ListedName {
  readonly name: string
  readonly isDirectory: boolean
  readonly maybeWhiteout: boolean
}

/** The names in a directory on disk, in no order. */
export function listNames(path: string): ListedName[] {
  const where = fsPath(path)
  const entries = readdirSync(where, { withFileTypes: true })
  // U+FFFD stands for bytes that are not UTF-8 (or for itself, rarely): only then the raw names are worth their price.
  if (entries.some(entry => entry.name.includes('\ufffd'))) {
    return readdirSync(where, { withFileTypes: true, encoding: 'buffer' }).map(entry =>
      listed(decodeName(entry.name), entry),
    )
  }
  return entries.map(entry => listed(entry.name, entry))
}

/** As `listNames`, the names alone: in large directories that takes a fraction of the memory. */
export function listOnlyNames(path: string): string[] {
  const where = fsPath(path)
  const names = readdirSync(where)
  return names.some(name => name.includes('\ufffd'))
    ? readdirSync(where, { encoding: 'buffer' }).map(decodeName)
    : names
}

function listed(name: string, entry: Dirent | Dirent<Buffer>): ListedName {
  return {
    name,
    isDirectory: entry.isDirectory(),
    maybeWhiteout: entry.isCharacterDevice() || entry.isSymbolicLink(),
  }
}
