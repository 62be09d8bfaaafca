import { readFile } from 'node:fs/promises'
import { anySignal } from '../../../async/abort.ts'
import { collectText } from '../../../bytes/collect.ts'
import { parseJson, readObject, readText } from '../../../oci/json-reader.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { bytesBody, ServiceClient } from '../service/service-client.ts'
import type { AwsCredentials } from './sigv4.ts'

/** Longest wait for a metadata service, which is near or not there at all (ms). */
const patience = 1000
const maxAnswer = 64 * 1024

/**
 * Credentials that a container's surroundings offer (ECS, EKS); undefined where there are none.
 * Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export async function containerCredentials(
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const { env } = access
  const path = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] ?? ''
  const whole =
    path === '' ? (env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '') : `http://169.254.170.2${path}`
  const url = URL.parse(whole)
  if (url === null) return undefined
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] ?? ''
  const token =
    file === '' ? env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] : (await readFile(file, 'utf8')).trimEnd()
  const response = await new ServiceClient(access).call({
    method: 'GET',
    url,
    headers: token ? { authorization: token } : {},
    signal,
  })
  return credentialsIn(await collectText(response.body, { limit: maxAnswer }))
}

/**
 * Credentials of the virtual machine's role (IMDSv2); undefined where no such service answers soon.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
export async function instanceCredentials(
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const { env } = access
  if (/^true$/i.test(env['AWS_EC2_METADATA_DISABLED'] ?? '')) return undefined
  const base = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254'
  const client = new ServiceClient(access, { attempts: 1 })
  const ask = async (
    method: 'GET' | 'PUT',
    path: string,
    headers: Record<string, string>,
  ): Promise<string> => {
    const body = method === 'PUT' ? { body: bytesBody(new Uint8Array()) } : {}
    const limited = anySignal(signal, AbortSignal.timeout(patience))
    const url = new URL(`/latest/${path}`, base)
    const response = await client.call({ method, url, headers, ...body, signal: limited })
    return collectText(response.body, { limit: maxAnswer })
  }
  try {
    const token = await ask('PUT', 'api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '300' })
    const headers = { 'x-aws-ec2-metadata-token': token }
    const roles = 'meta-data/iam/security-credentials/'
    const role = (await ask('GET', roles, headers)).trim().split('\n')[0] ?? ''
    return credentialsIn(await ask('GET', roles + encodeURIComponent(role), headers))
  } catch (error) {
    signal.throwIfAborted()
    // No virtual machine of Amazon's, or one without a role.
    return void error
  }
}

function credentialsIn(text: string): AwsCredentials | undefined {
  const what = 'AWS credentials'
  const object = readObject(parseJson(Buffer.from(text), what), what)
  const accessKeyId = readText(object, 'AccessKeyId', what)
  const secretAccessKey = readText(object, 'SecretAccessKey', what)
  const sessionToken = readText(object, 'Token', what)
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
