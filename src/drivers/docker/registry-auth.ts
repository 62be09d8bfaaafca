import { dockerCredentials } from '../../registry/credential-helper.ts'
import { dockerHubKey } from '../../registry/docker-config.ts'
import { run } from '../../sys/spawn.ts'
import { present } from './dial-docker.ts'
import type { DockerContexts } from './docker-contexts.ts'

/** Where credentials are looked for. */
export interface AuthSurroundings {
  readonly contexts: Pick<DockerContexts, 'config'>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The credential of a registry as docker's API takes it: JSON in base64url. */
export async function registryAuth(
  host: string,
  { contexts, env }: AuthSurroundings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const find = dockerCredentials(contexts.config, async (command, args, stdin) => {
    const { code, stdout, stderr } = await run(command, args, {
      input: stdin,
      env: present(env),
      signal,
      success: Array.from({ length: 256 }, (_, i) => i),
    })
    return { exitCode: code, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') }
  })
  const credential = await find(host, signal)
  if (credential === undefined) return undefined
  const serveraddress = host === 'docker.io' ? dockerHubKey : host
  const { username, secret, registryToken } = credential
  const auth = username === '' ? { identitytoken: secret } : { username, password: secret }
  return Buffer.from(JSON.stringify({ ...auth, registrytoken: registryToken, serveraddress })).toString(
    'base64url',
  )
}
