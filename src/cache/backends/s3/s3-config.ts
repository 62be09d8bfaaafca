import { SlipwayError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { parseDuration, toMilliseconds } from '../../../gostd/duration.ts'
import { tryParseBool } from '../../../gostd/parse-number.ts'
import type { AwsCredentials } from './sigv4.ts'

/** Where a cache in S3 lies and how it is reached. */
export interface S3Config {
  readonly bucket: string
  readonly region: string
  /** Before names of descriptions and digests of blobs, as they are. */
  readonly manifestsPrefix: string
  readonly blobsPrefix: string
  /** At least one; all are written, the first is read. */
  readonly names: readonly string[]
  /** Blobs that were stored longer ago than this are stored anew (milliseconds). */
  readonly touchRefreshMs: number
  readonly endpoint: URL | undefined
  readonly usePathStyle: boolean
  /** Those of the attributes. */
  readonly credentials: AwsCredentials | undefined
  /** Blobs at the same time. */
  readonly uploadParallelism: number
  readonly retryMode: 'standard' | 'adaptive'
  /** Tries of one request in all. */
  readonly retryMaxAttempts: number
}

/**
 * Reads the attributes; bucket and region may stand in the environment. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/s3/s3.go
 */
export function readS3Config(attrs: Attributes, env: Readonly<Record<string, string | undefined>>): S3Config {
  const bucket = attrs['bucket'] ?? env['AWS_BUCKET']
  if (bucket === undefined) throw invalid('bucket ($AWS_BUCKET) not set for s3 cache')
  const region = attrs['region'] ?? env['AWS_REGION']
  if (region === undefined) throw invalid('region ($AWS_REGION) not set for s3 cache')
  const prefix = attrs['prefix'] ?? ''
  const endpoint = endpointOf(attrs['endpoint_url'] || env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'])
  const pathStyle = tryParseBool(attrs['use_path_style'] ?? '') ?? false
  return {
    bucket,
    region,
    manifestsPrefix: prefix + (attrs['manifests_prefix'] ?? 'manifests/'),
    blobsPrefix: prefix + (attrs['blobs_prefix'] ?? 'blobs/'),
    names: (attrs['name'] ?? 'buildkit').split(';'),
    touchRefreshMs: touchRefresh(attrs['touch_refresh']),
    endpoint,
    // Without an endpoint of one's own the attribute has no meaning.
    usePathStyle: pathStyle && (attrs['endpoint_url'] ?? '') !== '',
    credentials: credentialsOf(attrs),
    uploadParallelism: positive(attrs, 'upload_parallelism') ?? 4,
    retryMode: retryMode(attrs['retry_mode']),
    retryMaxAttempts: positive(attrs, 'retry_max_attempts') ?? 3,
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

function endpointOf(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid(`endpoint_url ${text} is not a URL`)
  return url
}

/** What is no duration counts as not given. */
function touchRefresh(text: string | undefined): number {
  const day = 24 * 60 * 60 * 1000
  if (text === undefined) return day
  try {
    return toMilliseconds(parseDuration(text))
  } catch {
    return day
  }
}

function credentialsOf(attrs: Attributes): AwsCredentials | undefined {
  const accessKeyId = attrs['access_key_id'] ?? ''
  const secretAccessKey = attrs['secret_access_key'] ?? ''
  const sessionToken = attrs['session_token'] ?? ''
  if (accessKeyId === '' || secretAccessKey === '') return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) }
}

function positive(attrs: Attributes, name: string): number | undefined {
  const text = attrs[name]
  if (text === undefined) return undefined
  if (!/^\+?\d{1,9}$/.test(text) || Number(text) === 0) throw invalid(`${name} must be a positive integer`)
  return Number(text)
}

function retryMode(text: string | undefined): 'standard' | 'adaptive' {
  if (text === undefined || text === 'standard') return 'standard'
  if (text === 'adaptive') return 'adaptive'
  throw invalid('retry_mode must be "standard" or "adaptive"')
}
