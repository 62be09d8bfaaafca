import { readFileSync } from 'node:fs'
import { join } from 'node:path'

declare const SLIPWAY_REVISION: string | undefined

/** The name that buildx prints in front of its version; programs look for it. */
export const packageName = 'github.com/docker/buildx'

/** The release of buildx whose command line this one follows, and our own version as build metadata. */
export const version = 'v0.36.1+slipway.0.1.0'

/**
 * The commit this was built from: put in by the bundler, read from the repository when run from a clone, else
 * `unknown`.
 */
export function revision(): string {
  if (typeof SLIPWAY_REVISION === 'string') return SLIPWAY_REVISION
  try {
    const git = join(import.meta.dirname, '../../.git')
    const head = readFileSync(join(git, 'HEAD'), 'utf8').trim()
    return head.startsWith('ref: ') ? readFileSync(join(git, head.slice(5)), 'utf8').trim() : head
  } catch {
    return 'unknown'
  }
}
