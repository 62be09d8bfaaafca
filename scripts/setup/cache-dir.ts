import { mkdir, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder for what is fetched or made once for tests and demo, outside the repository: never needed, always renewable. */
export function cacheDir(...parts: string[]): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'slipway', ...parts)
}

/**
 * Makes a folder once: `fill` gets an empty temporary one beside it, which is renamed when it is complete. A run that
 * breaks off leaves nothing that looks finished, and of two at a time the first wins.
 */
export async function makeOnce(dir: string, fill: (dir: string) => Promise<void>): Promise<string> {
  if (existsSync(dir)) return dir
  const temporary = `${dir}.${process.pid}.tmp`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  try {
    await fill(temporary)
    await rename(temporary, dir).catch((error: NodeJS.ErrnoException) => {
      if (!existsSync(dir)) throw error
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return dir
}
