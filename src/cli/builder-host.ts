import type { BuilderHost } from '../builder/builder-host.ts'
import { memoDisposable } from '../async/memo-disposable.ts'
import { embeddedDriver, stateRoot } from './embedded.ts'
import type { GlobalOptions } from './global-flags.ts'
import type { Host } from './host.ts'

/** The builders as this process sees them. Disposing closes the embedded engine if it was opened. */
export interface CliBuilderHost extends BuilderHost, AsyncDisposable {}

/** Builders of the environment and of docker's own flags. The caller disposes it. */
export function openBuilderHost(host: Host, globals: Pick<GlobalOptions, 'docker'>): CliBuilderHost {
  const embedded = memoDisposable(() => embeddedDriver(host))
  const told = new Set<string>()
  return {
    docker: { ...globals.docker, env: host.env },
    cwd: host.cwd,
    now: () => host.now(),
    random: size => host.random(size),
    warn: line => {
      if (told.has(line)) return
      told.add(line)
      host.stderr.write(`${line}\n`)
    },
    embedded: { endpoint: stateRoot(host), driver: embedded.get },
    [Symbol.asyncDispose]: embedded[Symbol.asyncDispose],
  }
}
