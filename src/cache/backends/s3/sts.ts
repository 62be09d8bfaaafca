import { collectText } from '../../../bytes/collect.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { bytesBody, ServiceClient } from '../service/service-client.ts'
import { xmlText } from '../service/xml-text.ts'
import { type AwsCredentials, awsQuery, sha256Hex, signRequest } from './sigv4.ts'

/** A role to take on. */
export interface RoleRequest {
  readonly roleArn: string
  readonly sessionName: string
  /** What proves the right to it: keys of another account or role, or a token of an identity provider. */
  readonly by: { readonly keys: AwsCredentials; readonly externalId?: string } | { readonly token: string }
}

/**
 * Credentials of a role, from the security token service.
 * API: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
 */
export async function assumeRole(
  request: RoleRequest,
  access: CloudAccess,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const { by, roleArn, sessionName } = request
  const region = access.env['AWS_REGION'] || access.env['AWS_DEFAULT_REGION'] || 'us-east-1'
  const url = new URL(access.env['AWS_ENDPOINT_URL_STS'] || `https://sts.${region}.amazonaws.com/`)
  const form = awsQuery({
    Action: 'token' in by ? 'AssumeRoleWithWebIdentity' : 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    ...('token' in by ? { WebIdentityToken: by.token } : {}),
    ...('externalId' in by && by.externalId !== undefined ? { ExternalId: by.externalId } : {}),
  })
  const bytes = Buffer.from(form)
  const client = new ServiceClient(access, { hint: 'check the role and the region of the AWS settings' })
  const response = await client.call({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: bytesBody(bytes),
    signal,
    authorize: sent =>
      'token' in by
        ? {}
        : signRequest({ ...sent, payloadHash: sha256Hex(bytes) }, by.keys, {
            region,
            service: 'sts',
            now: access.now(),
          }),
  })
  const answer = await collectText(response.body, { limit: 64 * 1024 })
  const accessKeyId = xmlText(answer, 'AccessKeyId')
  const secretAccessKey = xmlText(answer, 'SecretAccessKey')
  const sessionToken = xmlText(answer, 'SessionToken')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new SlipwayError('unauthenticated', `the security token service gave no credentials of ${roleArn}`)
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
