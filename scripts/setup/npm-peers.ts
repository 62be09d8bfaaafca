import { existsSync } from 'node:fs'
import { cacheDir, makeOnce } from './cache-dir.ts'
import { findProgram } from './programs.ts'
import { run } from './run.ts'

/** A server from the npm registry that tests talk to: kept in a cache folder, never a dependency of this package. */
interface NpmPeer {
  readonly version: string
  /** The program, below `node_modules`. */
  readonly script: string
}

const peers = {
  // Microsoft's stand-in for Azure's storage.
  azurite: { version: '3.35.0', script: 'azurite/dist/src/blob/main.js' },
} as const satisfies Record<string, NpmPeer>

/** Names of these servers. */
export type NpmPeerName = keyof typeof peers

/** All of them. */
export const npmPeers: readonly NpmPeerName[] = Object.keys(peers) as NpmPeerName[]

/** Path of a server's program, for Node; undefined when it has not been installed on this machine. */
export function npmPeerScript(name: NpmPeerName): string | undefined {
  const file = cacheDir('peers', `${name}-${peers[name].version}`, 'node_modules', peers[name].script)
  return existsSync(file) ? file : undefined
}

/** Installs a server, unless it is there already. Needs npm and a registry; no install script runs. */
export async function installNpmPeer(name: NpmPeerName, say: (line: string) => void): Promise<void> {
  const { version } = peers[name]
  await makeOnce(cacheDir('peers', `${name}-${version}`), async dir => {
    if (findProgram('npm') === undefined) throw new Error('there is no npm')
    say(`installing ${name} ${version} from npm into ${cacheDir('peers', `${name}-${version}`)}`)
    const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
    const flags = ['--prefix', dir, '--ignore-scripts', '--omit=dev', '--omit=optional', ...quiet]
    await run(['npm', 'install', ...flags, `${name}@${version}`], { cwd: dir, timeout: 180_000 })
  })
}
