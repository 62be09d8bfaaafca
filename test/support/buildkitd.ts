import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../scripts/setup/programs.ts'
import { type Background, startBackground } from './background.ts'

/** A real BuildKit of the test's own. */
export interface Buildkitd extends Background {
  /** `unix://…` */
  readonly address: string
}

/** What to start. */
export interface BuildkitdOptions {
  /** Scratch folder, with a short name: the socket lies in it. */
  readonly dir: string
  /** Registries (`host:port`, plain HTTP) that serve as mirrors of docker.io. */
  readonly mirrors?: readonly string[]
  /** Further lines of its settings, before all tables. */
  readonly settings?: readonly string[]
}

/** The reason why there is no real BuildKit here, or false. */
export function lacksBuildkitd(): string | false {
  return findProgram('buildkitd') === undefined ? 'needs buildkitd, which is not installed' : false
}

/** Starts the `buildkitd` in PATH. Needs root. */
export async function startBuildkitd(options: BuildkitdOptions): Promise<Buildkitd> {
  const { dir, mirrors = [], settings = [] } = options
  const program = findProgram('buildkitd')
  if (program === undefined) throw new Error('buildkitd is not installed')
  await mkdir(dir, { recursive: true })
  const config = join(dir, 'real.toml')
  const hosts = mirrors.map(host => `[registry."${host}"]\n  http = true\n`)
  const text = `${settings.join('\n')}\n[registry."docker.io"]\n  mirrors = ${JSON.stringify(mirrors)}\n${hosts.join('')}`
  await writeFile(config, text)
  const address = `unix://${join(dir, 'real.sock')}`
  const server = await startBackground(
    [
      program,
      '--config',
      config,
      '--root',
      join(dir, 'real'),
      '--addr',
      address,
      '--containerd-worker=false',
      ...(findProgram('runc') === undefined ? [] : [`--oci-worker-binary=${findProgram('runc')}`]),
    ],
    { ready: output => output.includes('running server on') },
  )
  return { ...server, address }
}
