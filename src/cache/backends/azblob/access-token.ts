import { readFile } from 'node:fs/promises'
import { anySignal } from '../../../async/abort.ts'
import { collectText } from '../../../bytes/collect.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import { parseJson, readObject, readText } from '../../../oci/json-reader.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { bytesBody, ServiceClient, type ServiceRequest } from '../service/service-client.ts'

const storage = 'https://storage.azure.com'
/** Longest wait for a metadata service, which is near or not there at all (ms). */
const patience = 1000

/**
 * A token for blob storage from where Azure's own tools would take it: a service principal of the environment (secret
 * or workload identity), the identity of the machine. Throws `unauthenticated` where there is none.
 * Order: https://learn.microsoft.com/en-us/azure/developer/go/sdk/authentication/credential-chains
 */
export async function azureToken(access: CloudAccess, signal: AbortSignal): Promise<string> {
  const token = (await principalToken(access, signal)) ?? (await machineToken(access, signal))
  if (token !== undefined) return token
  throw new SlipwayError('unauthenticated', 'failed to create default azure credentials: none found', {
    hint: 'give secret_access_key, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET',
  })
}

async function principalToken(access: CloudAccess, signal: AbortSignal): Promise<string | undefined> {
  const { env } = access
  const tenant = env['AZURE_TENANT_ID']
  const client = env['AZURE_CLIENT_ID']
  const secret = env['AZURE_CLIENT_SECRET']
  const file = env['AZURE_FEDERATED_TOKEN_FILE']
  if (!tenant || !client || (!secret && !file)) return undefined
  const proof: Record<string, string> = secret
    ? { client_secret: secret }
    : {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: (await readFile(file ?? '', 'utf8')).trim(),
      }
  const authority = env['AZURE_AUTHORITY_HOST'] || 'https://login.microsoftonline.com/'
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    scope: `${storage}/.default`,
    ...proof,
  })
  return tokenFrom(
    {
      method: 'POST',
      url: new URL(`${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: bytesBody(Buffer.from(form.toString())),
      signal,
    },
    access,
  )
}

async function machineToken(access: CloudAccess, signal: AbortSignal): Promise<string | undefined> {
  const { env } = access
  const client = env['AZURE_CLIENT_ID'] ? { client_id: env['AZURE_CLIENT_ID'] } : {}
  const place = URL.parse(env['IDENTITY_ENDPOINT'] ?? '')
  const header = env['IDENTITY_HEADER'] ?? ''
  const service = place !== null && header !== ''
  const url = service ? place : new URL('http://169.254.169.254/metadata/identity/oauth2/token')
  const version = service ? '2019-08-01' : '2018-02-01'
  url.search = new URLSearchParams({ 'api-version': version, resource: storage, ...client }).toString()
  const headers: Record<string, string> = service ? { 'x-identity-header': header } : { metadata: 'true' }
  const limited = anySignal(signal, AbortSignal.timeout(patience))
  try {
    return await tokenFrom({ method: 'GET', url, headers, signal: limited }, access)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

async function tokenFrom(request: ServiceRequest, access: CloudAccess): Promise<string | undefined> {
  const response = await new ServiceClient(access).call(request)
  const text = await collectText(response.body, { limit: 64 * 1024 })
  const what = 'answer of the identity service'
  return readText(readObject(parseJson(Buffer.from(text), what), what), 'access_token', what)
}
