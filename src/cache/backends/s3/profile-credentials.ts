import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { collectText } from '../../../bytes/collect.ts'
import { SlipwayError, wrapError } from '../../../errors/slipway-error.ts'
import { member, parseJson, readObject, readText } from '../../../oci/json-reader.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { ServiceClient } from '../service/service-client.ts'
import type { Profile } from './shared-config.ts'
import type { AwsCredentials } from './sigv4.ts'

const maxAnswer = 64 * 1024

/** Longest that a program may take for credentials (ms). */
const patience = 60_000

/**
 * What the program of a profile (`credential_process`) prints; undefined where it has none. The program is the user's own, from
 * his configuration. Throws `unauthenticated`. Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
export async function processCredentials(
  profile: Profile,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const command = profile['credential_process']
  if (!command) return undefined
  const failed = 'the credential process of the profile failed'
  try {
    const options = { signal, timeout: patience, maxBuffer: maxAnswer }
    const { stdout } = await promisify(execFile)('sh', ['-c', command], options)
    const object = readObject(parseJson(Buffer.from(stdout), failed), failed)
    if (member(object, 'Version') !== 1)
      throw new SlipwayError('unauthenticated', 'it gave another version than 1')
    return keysIn(object, ['AccessKeyId', 'SecretAccessKey', 'SessionToken'])
  } catch (e) {
    signal.throwIfAborted()
    throw wrapError(failed, e)
  }
}

/**
 * Credentials of a role that a login at a portal opens (`aws sso login`); undefined where the profile names no portal.
 * Throws `unauthenticated` without a login. Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
 */
export async function portalCredentials(
  profile: Profile,
  profiles: ReadonlyMap<string, Profile>,
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const { sso_session: name, sso_account_id: account, sso_role_name: role } = profile
  const portal = name === undefined ? profile : { ...profiles.get(`sso-session ${name}`) }
  const { sso_start_url: start, sso_region: region } = portal
  if (!account || !role || !start || !region) return undefined
  const token = await loginToken(name ?? start, access)
  const base = access.env['AWS_ENDPOINT_URL_SSO'] || `https://portal.sso.${region}.amazonaws.com`
  const url = new URL('/federation/credentials', base)
  url.searchParams.set('role_name', role)
  url.searchParams.set('account_id', account)
  const headers = { 'x-amz-sso_bearer_token': token }
  const response = await new ServiceClient(access).call({ method: 'GET', url, headers, signal })
  const what = 'the credentials of the portal'
  const answer = parseJson(Buffer.from(await collectText(response.body, { limit: maxAnswer })), what)
  const object = readObject(member(readObject(answer, what), 'roleCredentials'), what)
  return keysIn(object, ['accessKeyId', 'secretAccessKey', 'sessionToken'])
}

/** The token that a login has left behind. */
async function loginToken(name: string, { env, now }: CloudAccess): Promise<string> {
  const file = `${createHash('sha1').update(name).digest('hex')}.json`
  const hint = 'run: aws sso login'
  const missing = (message: string): SlipwayError => new SlipwayError('unauthenticated', message, { hint })
  const bytes = await readFile(join(env['HOME'] || '/', '.aws', 'sso', 'cache', file)).catch(() => {
    throw missing('there is no login for the SSO profile')
  })
  const object = readObject(parseJson(bytes, file), file)
  const token = readText(object, 'accessToken', file)
  const expires = Date.parse(readText(object, 'expiresAt', file) ?? '')
  if (!token || !(expires > now())) throw missing('the login of the SSO profile has expired')
  return token
}

function keysIn(
  object: ReturnType<typeof readObject>,
  [id, secret, session]: readonly [string, string, string],
): AwsCredentials {
  const what = 'AWS credentials'
  const accessKeyId = readText(object, id, what)
  const secretAccessKey = readText(object, secret, what)
  const sessionToken = readText(object, session, what)
  if (!accessKeyId || !secretAccessKey) throw new SlipwayError('unauthenticated', 'there are no keys in it')
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
