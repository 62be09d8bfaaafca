import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectoriesSync } from '../bytes/make-directories.ts'

/**
 * The identity of a state directory as a worker: made once, kept in `workerid`. Clients tell by it whether two addresses
 * lead to the same daemon. Of several processes that begin at once the first decides. BuildKit keeps its own alike.
 */
export function workerId(root: string): string {
  const path = join(root, 'workerid')
  const known = read(path)
  if (known !== undefined) return known
  let id = ''
  for (const byte of randomBytes(25)) id += (byte % 36).toString(36)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    makeDirectoriesSync(root)
    writeFileSync(temporary, id, { mode: 0o600 })
    linkSync(temporary, path)
  } catch {
    // Another process was first, or nothing can be written here: then the identity holds for this process.
  }
  try {
    rmSync(temporary, { force: true })
  } catch {
    // Nothing was written: whoever opens the directory tells what is wrong with it.
  }
  return read(path) ?? id
}

function read(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^[a-z0-9]{10,64}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
