import { readFile } from 'node:fs/promises'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { containerCredentials, instanceCredentials } from './metadata-credentials.ts'
import { portalCredentials, processCredentials } from './profile-credentials.ts'
import { type Profile, readProfiles } from './shared-config.ts'
import type { AwsCredentials } from './sigv4.ts'
import { assumeRole } from './sts.ts'

const maxHops = 8

/**
 * The credentials that AWS's own tools would take: the environment, a web identity, the profile of the shared files, a
 * container's, a virtual machine's. Throws `unauthenticated` where there are none.
 * Order: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export async function awsCredentials(access: CloudAccess, signal: AbortSignal): Promise<AwsCredentials> {
  const { env } = access
  const found =
    keysOf(
      env['AWS_ACCESS_KEY_ID'] || env['AWS_ACCESS_KEY'],
      env['AWS_SECRET_ACCESS_KEY'] || env['AWS_SECRET_KEY'],
      env['AWS_SESSION_TOKEN'],
    ) ??
    (await webIdentity(
      env['AWS_WEB_IDENTITY_TOKEN_FILE'],
      env['AWS_ROLE_ARN'],
      env['AWS_ROLE_SESSION_NAME'],
      access,
      signal,
    )) ??
    (await profileCredentials(access, signal)) ??
    (await containerCredentials(access, signal)) ??
    (await instanceCredentials(access, signal))
  if (found !== undefined) return found
  throw new SlipwayError('unauthenticated', 'no AWS credentials found for the s3 cache', {
    hint: 'give access_key_id and secret_access_key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  })
}

function keysOf(
  id: string | undefined,
  secret: string | undefined,
  token?: string,
): AwsCredentials | undefined {
  if (!id || !secret) return undefined
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) }
}

async function webIdentity(
  file: string | undefined,
  roleArn: string | undefined,
  sessionName: string | undefined,
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  if (!file || !roleArn) return undefined
  const token = (await readFile(file, 'utf8')).trim()
  return assumeRole({ roleArn, sessionName: sessionName || 'slipway', by: { token } }, access, signal)
}

async function profileCredentials(
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const { env } = access
  const wanted = env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE']
  const profiles = await readProfiles(env)
  const profile = profiles.get(wanted || 'default')
  if (profile === undefined) {
    if (!wanted) return undefined
    throw new SlipwayError('not-found', `failed to get shared config profile, ${wanted}`)
  }
  return ofProfile(profile, profiles, access, { signal, hops: 0 })
}

async function ofProfile(
  profile: Profile,
  profiles: ReadonlyMap<string, Profile>,
  access: CloudAccess,
  way: { readonly signal: AbortSignal; readonly hops: number },
): Promise<AwsCredentials | undefined> {
  const { signal, hops } = way
  const keys = keysOf(
    profile['aws_access_key_id'],
    profile['aws_secret_access_key'],
    profile['aws_session_token'],
  )
  const roleArn = profile['role_arn']
  if (roleArn === undefined) {
    if (keys !== undefined) return keys
    return (
      (await portalCredentials(profile, profiles, access, signal)) ??
      (await processCredentials(profile, signal))
    )
  }
  const sessionName = profile['role_session_name']
  const file = profile['web_identity_token_file']
  if (file !== undefined) return webIdentity(file, roleArn, sessionName, access, signal)
  const source = await sourceOf(profile, keys, profiles, access, { signal, hops })
  if (source === undefined) return undefined
  const externalId = profile['external_id']
  const by = { keys: source, ...(externalId === undefined ? {} : { externalId }) }
  return assumeRole({ roleArn, sessionName: sessionName || 'slipway', by }, access, signal)
}

/** Whose keys a role is taken on with. */
async function sourceOf(
  profile: Profile,
  own: AwsCredentials | undefined,
  profiles: ReadonlyMap<string, Profile>,
  access: CloudAccess,
  way: { readonly signal: AbortSignal; readonly hops: number },
): Promise<AwsCredentials | undefined> {
  const { env } = access
  const name = profile['source_profile']
  switch (profile['credential_source']) {
    case 'Environment':
      return keysOf(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN'])
    case 'EcsContainer':
      return containerCredentials(access, way.signal)
    case 'Ec2InstanceMetadata':
      return instanceCredentials(access, way.signal)
    default:
  }
  const source = name === undefined ? undefined : profiles.get(name)
  if (source === undefined || source === profile) return own
  if (way.hops >= maxHops) throw new SlipwayError('invalid-argument', `profiles refer to each other: ${name}`)
  return ofProfile(source, profiles, access, { signal: way.signal, hops: way.hops + 1 })
}
