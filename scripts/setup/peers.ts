import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { openApt } from './apt.ts'
import { cacheDir, makeOnce } from './cache-dir.ts'
import { isExecutable } from './programs.ts'
import { run } from './run.ts'

/**
 * A set of Debian packages that are unpacked into a cache folder and never installed: real tools that the tests compare
 * Slipway with, in versions that the machine's own release may not have, and servers that must not start by themselves.
 */
export interface PeerSet {
  readonly name: string
  readonly suite: string
  readonly packages: readonly string[]
}

/** Docker 26.1.5 with its BuildKit, buildx 0.13.1 and the registry of Debian 13; buildx 0.29 or newer of Debian unstable. */
export const peerSets: readonly PeerSet[] = [
  {
    name: 'docker',
    suite: 'trixie',
    packages: ['docker.io', 'docker-cli', 'docker-buildx', 'containerd', 'docker-registry'],
  },
  // The init process that docker puts into containers.
  { name: 'init', suite: 'trixie', packages: ['tini'] },
  { name: 'buildx-new', suite: 'sid', packages: ['docker-buildx'] },
]

const paths = {
  dockerd: ['docker', 'usr/sbin/dockerd'],
  docker: ['docker', 'usr/bin/docker'],
  containerd: ['docker', 'usr/bin/containerd'],
  'docker-init': ['init', 'usr/bin/tini-static'],
  'docker-registry': ['docker', 'usr/bin/docker-registry'],
  'docker-buildx': ['docker', 'usr/libexec/docker/cli-plugins/docker-buildx'],
  'docker-buildx-new': ['buildx-new', 'usr/libexec/docker/cli-plugins/docker-buildx'],
} as const

/** Names of the unpacked programs. */
export type PeerName = keyof typeof paths

/** Path of an unpacked program; undefined when its set has not been unpacked on this machine. */
export function peerPath(name: PeerName): string | undefined {
  const file = cacheDir('peers', ...paths[name])
  return isExecutable(file) ? file : undefined
}

/** Folder with the program in it, to be put into PATH: containerd looks for its shim beside itself, dockerd in PATH. */
export function peerDirs(): readonly string[] {
  return [cacheDir('peers', 'docker', 'usr/bin'), cacheDir('peers', 'docker', 'usr/sbin')]
}

/** Unpacks a set, unless it is there already. Needs an apt whose mirror has that release, and no root. */
export async function unpackPeers(set: PeerSet, say: (line: string) => void): Promise<void> {
  await makeOnce(cacheDir('peers', set.name), async dir => {
    say(`unpacking ${set.packages.join(', ')} of Debian ${set.suite} into ${cacheDir('peers', set.name)}`)
    await unpackPackages(set, dir)
  })
}

async function unpackPackages(set: PeerSet, dir: string): Promise<void> {
  const native = (await run(['dpkg', '--print-architecture'])).trim()
  const work = join(dir, '.apt')
  const apt = await openApt({ dir: work, suite: set.suite, architectures: [native] })
  await apt.download(set.packages, join(work, 'debs'))
  for (const deb of await readdir(join(work, 'debs')))
    await run(['dpkg-deb', '-x', join(work, 'debs', deb), dir])
  await run(['rm', '-rf', work])
}
