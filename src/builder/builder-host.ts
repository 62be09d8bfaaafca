import { join } from 'node:path'
import type { Driver } from '../drivers/driver.ts'
import {
  type DockerContexts,
  type DockerSettings,
  readDockerContexts,
} from '../drivers/docker/docker-contexts.ts'
import { type ConfigDir, openConfigDir } from './config-dir.ts'

/** What builders need of the process that looks at them. */
export interface BuilderHost {
  /** Environment and docker's own flags. */
  readonly docker: DockerSettings
  /** Working directory, absolute. */
  readonly cwd: string
  /** Milliseconds since the epoch. */
  now(): number
  random(size: number): Uint8Array
  /** Tells the user something, one line without a newline. */
  warn(line: string): void
  /** The engine of this machine. */
  readonly embedded: EmbeddedEngine
}

/** The engine of this machine as a node of a builder. */
export interface EmbeddedEngine {
  /** What lists show as its endpoint: the state directory. */
  readonly endpoint: string
  /** Opens it at the first need; whoever made the host closes it. */
  driver(): Promise<Driver>
}

/** The places that builders are read from, as they stand now. */
export interface BuilderPlaces {
  readonly host: BuilderHost
  readonly dir: ConfigDir
  readonly contexts: DockerContexts
}

/** Finds the configuration directory (BUILDX_CONFIG, else docker's own) and reads docker's contexts. */
export function openPlaces(host: BuilderHost): BuilderPlaces {
  const { env } = host.docker
  const contexts = readDockerContexts(host.docker, line => host.warn(line))
  const path = env['BUILDX_CONFIG'] || join(contexts.configDir, 'buildx')
  return { host, contexts, dir: openConfigDir(path, env) }
}
