import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dockerCredentials } from '../registry/credential-helper.ts'
import { type DockerConfig, emptyDockerConfig, parseDockerConfig } from '../registry/docker-config.ts'
import type { CredentialProvider } from '../registry/auth/credential.ts'
import { run } from '../sys/spawn.ts'
import type { Host } from './host.ts'

/** Folder of docker's settings: DOCKER_CONFIG, else `.docker` in the home directory. */
export function dockerConfigDir(host: Host): string {
  return host.env['DOCKER_CONFIG'] || join(host.env['HOME'] || '/', '.docker')
}

/** The user's `config.json`; an absent one is empty. Throws `invalid-argument` naming the file. */
export async function readDockerConfig(host: Host): Promise<DockerConfig> {
  const path = join(dockerConfigDir(host), 'config.json')
  const bytes = await readFile(path).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT' || e.code === 'ENOTDIR') return undefined
    throw e
  })
  return bytes === undefined || bytes.length === 0 ? emptyDockerConfig : parseDockerConfig(bytes, path)
}

/** Credentials of the user as docker keeps them, read anew each time, so that a login meanwhile counts. */
export function userCredentials(host: Host): CredentialProvider {
  return async (registry, signal) => {
    const config = await readDockerConfig(host)
    const ask = dockerCredentials(config, async (command, args, stdin, inner) => {
      const output = await run(command, args, {
        input: stdin,
        signal: inner,
        success: Array.from({ length: 256 }, (_, i) => i),
      })
      return {
        exitCode: output.code,
        stdout: output.stdout.toString('utf8'),
        stderr: output.stderr.toString('utf8'),
      }
    })
    return ask(registry, signal)
  }
}
