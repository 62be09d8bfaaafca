import { SlipwayError } from '../errors/slipway-error.ts'
import type { Credential, CredentialProvider } from './auth/credential.ts'
import { configKey, type DockerConfig, findAuth } from './docker-config.ts'

/** What a program that ran has to say. */
export interface HelperOutput {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program found on the path with `stdin` as its input. Throws `not-found` where there is no such program. */
export type RunHelper = (
  command: string,
  args: readonly string[],
  stdin: string,
  signal?: AbortSignal,
) => Promise<HelperOutput>

/** Texts with which helpers say that they know nothing. Source: docker-credential-helpers credentials/error.go v0.9.3. */
const unknown = [
  'credentials not found in native keychain',
  'no credentials server URL',
  'no credentials username',
]

/** The user name with which helpers mark an identity token. */
const tokenUser = '<token>'

/**
 * Credentials as docker finds them: the host's own helper, else the common helper, else the file itself. Source: docker
 * CLI cli/config/configfile/file.go at v28.2.2.
 */
export function dockerCredentials(config: DockerConfig, run: RunHelper): CredentialProvider {
  return async (host, signal) => {
    const key = configKey(host)
    const helper = Object.hasOwn(config.credHelpers, key)
      ? config.credHelpers[key]
      : Object.hasOwn(config.credHelpers, host)
        ? config.credHelpers[host]
        : config.credsStore
    if (helper === undefined || helper === '') return findAuth(config, key)
    return (await askHelper(helper, key, run, signal)) ?? findAuth(config, key)
  }
}

/** Asks `docker-credential-<name>`; undefined where it has nothing for this server. */
export async function askHelper(
  name: string,
  server: string,
  run: RunHelper,
  signal?: AbortSignal,
): Promise<Credential | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new SlipwayError(
      'invalid-argument',
      `invalid credential helper name ${JSON.stringify(name.slice(0, 100))}`,
    )
  }
  const command = `docker-credential-${name}`
  const { exitCode, stdout, stderr } = await run(command, ['get'], server, signal)
  if (exitCode !== 0) {
    const said = (stdout.trim() || stderr.trim()).slice(0, 1024)
    if (unknown.some(text => said.includes(text))) return undefined
    throw new SlipwayError(
      'unauthenticated',
      `error getting credentials - err: exit status ${exitCode}, out: \`${said}\``,
      {
        hint: `run \`${command}\` by hand to see what it wants, or take it out of docker's config.json`,
      },
    )
  }
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // The text may hold a password: it goes into no message.
    throw new SlipwayError('unauthenticated', `error getting credentials - ${command} answered no JSON`)
  }
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Readonly<
    Record<string, unknown>
  >
  const username = fields['Username']
  const secret = fields['Secret']
  if (typeof username !== 'string' || typeof secret !== 'string') return undefined
  return username === tokenUser ? { username: '', secret } : { username, secret }
}
