import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'

/**
 * Seeds kept in the file `.token_seed` of a directory (docker's configuration directory), where docker's own client keeps
 * them too. One that cannot be kept is good for this process.
 */
export function fileTokenSeeds(dir: string): (host: string) => Promise<Uint8Array> {
  const known = new Map<string, Promise<Uint8Array>>()
  return host => {
    const seed = known.get(host) ?? loadSeed(dir, host)
    known.set(host, seed)
    return seed
  }
}

async function loadSeed(dir: string, host: string): Promise<Uint8Array> {
  const path = join(dir, '.token_seed')
  const seeds = await readSeeds(path)
  const kept = seeds[host]?.Seed
  if (typeof kept === 'string' && kept !== '') return Buffer.from(kept, 'base64')
  const seed = randomBytes(16)
  seeds[host] = { Seed: seed.toString('base64') }
  try {
    await makeDirectories(dir)
    // Two processes may each write theirs: the later one is kept, and the other's daemon asks for a token anew.
    const temporary = `${path}.${process.pid}`
    await writeFile(temporary, JSON.stringify(seeds), { mode: 0o600 })
    await rename(temporary, path)
  } catch {
    // A configuration directory that cannot be written is no reason not to build.
  }
  return seed
}

async function readSeeds(path: string): Promise<Record<string, { Seed?: unknown } | undefined>> {
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof json === 'object' && json !== null ? (json as Record<string, { Seed?: unknown }>) : {}
  } catch {
    return {}
  }
}
