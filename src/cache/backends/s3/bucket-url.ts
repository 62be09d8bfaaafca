import { isIP } from 'node:net'
import { awsEncode, awsQuery } from './sigv4.ts'
import type { S3Config } from './s3-config.ts'

/**
 * The URL of an object: the bucket is part of the host name where it can be, else the first part of the path.
 * Rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function objectUrl(
  config: Pick<S3Config, 'bucket' | 'region' | 'endpoint' | 'usePathStyle'>,
  key: string,
  query: Readonly<Record<string, string>> = {},
): URL {
  const { bucket, endpoint } = config
  const base = endpoint ?? new URL(`https://s3.${config.region}.${domainOf(config.region)}`)
  const inPath =
    config.usePathStyle || !isHostLabel(bucket, base) || isIP(base.hostname.replace(/[[\]]/g, '')) > 0
  const url = new URL(base)
  if (!inPath) url.host = `${bucket}.${base.host}`
  const path = key.split('/').map(awsEncode).join('/')
  const root = base.pathname.replace(/\/$/, '')
  url.pathname = inPath ? `${root}/${awsEncode(bucket)}/${path}` : `${root}/${path}`
  url.search = awsQuery(query)
  return url
}

const domainOf = (region: string): string => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com')

/** Names with dots would not fit the certificate of the service. */
function isHostLabel(bucket: string, base: URL): boolean {
  const labels =
    base.protocol === 'https:' ? /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/ : /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
  return labels.test(bucket)
}
