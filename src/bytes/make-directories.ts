import { mkdirSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

// As `mkdir` with `recursive`, but that never ends in file systems such as /proc, and answers `ENOENT` where the file
// system is read-only, which sends people looking in the wrong place.

/** Makes a directory and those above it; answers the uppermost one that it made. Throws system errors. */
export async function makeDirectories(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    await mkdir(path, mode)
    return path
  } catch (error) {
    if (isThere(error, path)) return undefined
  }
  const first = await makeDirectories(dirname(path), mode)
  try {
    await mkdir(path, mode)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return first ?? path
}

/** As `makeDirectories`, at once. */
export function makeDirectoriesSync(path: string, mode = 0o777): string | undefined {
  try {
    mkdirSync(path, mode)
    return path
  } catch (error) {
    if (isThere(error, path)) return undefined
  }
  const first = makeDirectoriesSync(dirname(path), mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return first ?? path
}

/** Whether there is nothing to do; false where those above are missing. Throws everything else. */
function isThere(error: unknown, path: string): boolean {
  const code = codeOf(error)
  if (code === 'EEXIST' && statSync(path).isDirectory()) return true
  if (code !== 'ENOENT' || dirname(path) === path) throw error
  return false
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
