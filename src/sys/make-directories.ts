import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errno-error.ts'

/**
 * Makes a directory and those above it. As `mkdir` with `recursive`, but that answers `ENOENT` where the file system is
 * read-only, which sends people looking in the wrong place. Throws system errors.
 */
export async function makeDirectories(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectories(dirname(path), mode)
    await mkdir(path, mode).catch(unlessThere)
  }
}

function unlessThere(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error
}
