import { posix } from 'node:path'
import { SlipwayError, wrapError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { parseGoUrl } from '../../../gostd/url.ts'

/** Where a cache in Azure's blob storage lies and how it is reached. */
export interface AzblobConfig {
  readonly accountUrl: URL
  readonly accountName: string
  readonly container: string
  /** At least one; all are written and all are read. */
  readonly names: readonly string[]
  /** Key of the account, base64; undefined: tokens of Azure's identity service. */
  readonly secretAccessKey: string | undefined
  /** Name of the blob with a description. */
  readonly manifestKey: (name: string) => string
  /** Name of a layer's blob. */
  readonly blobKey: (digest: string) => string
}

const notValid = 'azure storage account url provided is not a valid url'

function parseAccountUrl(text: string): URL | null {
  try {
    parseGoUrl(text)
  } catch (e) {
    throw wrapError(notValid, e)
  }
  return URL.parse(text)
}

/**
 * Reads the attributes; some may stand in the environment. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/azblob/utils.go
 */
export function readAzblobConfig(
  attrs: Attributes,
  env: Readonly<Record<string, string | undefined>>,
): AzblobConfig {
  const variable = (name: string): string | undefined => env[`BUILDKIT_AZURE_STORAGE_${name}`]
  const url = attrs['account_url'] ?? variable('ACCOUNT_URL')
  if (url === undefined) {
    const names = ['${BUILDKIT_AZURE_STORAGE_ACCOUNT_URL}', 'account_url attribute']
    throw invalid(`either ${names.join(' or ')} is required for azblob cache`)
  }
  const accountUrl = parseAccountUrl(url)
  if (accountUrl === null || !/^https?:$/.test(accountUrl.protocol)) throw invalid(notValid)
  const accountName =
    attrs['account_name'] ?? variable('ACCOUNT_NAME') ?? accountUrl.hostname.split('.')[0] ?? ''
  if (accountName === '') {
    const places = ['account url', '${BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME}', 'account_name attribute']
    throw invalid(`unable to retrieve account name from ${places.join(' or ')} for azblob cache`)
  }
  const prefix = attrs['prefix'] ?? variable('PREFIX') ?? ''
  const manifests = attrs['manifests_prefix'] ?? 'manifests'
  const blobs = attrs['blobs_prefix'] ?? 'blobs'
  return {
    accountUrl,
    accountName,
    container: attrs['container'] ?? variable('CONTAINER') ?? 'buildkit-cache',
    names: (attrs['name'] ?? 'buildkit').split(';'),
    secretAccessKey: checkedKey(attrs['secret_access_key'] || undefined),
    manifestKey: name => joined(prefix, manifests, name),
    blobKey: digest => joined(prefix, blobs, digest),
  }
}

/** A key that is no base64 is told before the first request. */
function checkedKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined
  const odd = /[^A-Za-z0-9+/\r\n]/.exec(key.replace(/={1,2}[\r\n]*$/, ''))
  const { length } = key.replaceAll(/[\r\n]/g, '')
  const at = odd?.index ?? (length % 4 === 0 ? undefined : length - (length % 4))
  if (at === undefined) return key
  throw new SlipwayError(
    'invalid-argument',
    `failed to create container client: failed to create shared key: decode account key: illegal base64 data at input byte ${at}`,
  )
}

/** Parts of a path as Go joins them. */
const joined = (...parts: readonly string[]): string => posix.join(...parts).replace(/(.)\/$/, '$1')

const invalid = (message: string): SlipwayError =>
  new SlipwayError('invalid-argument', `failed to create azblob config: ${message}`)
