import type { ConfigDir } from './config-dir.ts'

/**
 * What tells this client from others at a daemon that both use, so that they do not mix their transferred files: 8 random
 * bytes in hex, made once. Empty where the directory cannot be written. Row C6.
 */
export function clientId(dir: ConfigDir, random: (size: number) => Uint8Array): string {
  const name = '.buildNodeID'
  try {
    const known = dir.read(name)?.toString('utf8')
    if (known !== undefined) return known
    dir.write(name, Buffer.from(random(8)).toString('hex'))
    return dir.read(name)?.toString('utf8') ?? ''
  } catch {
    return ''
  }
}
