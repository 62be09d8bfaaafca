import { createHash, createHmac } from 'node:crypto'

/** Keys of an AWS account or role. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What is signed. */
export interface SignedRequest {
  readonly method: string
  /** Path and query written as `awsEncode` does it. */
  readonly url: URL
  /** `x-amz-…` and `content-type` among them are signed. */
  readonly headers?: Readonly<Record<string, string>>
  /** SHA-256 of the body, lower-case hex. */
  readonly payloadHash: string
}

/** Where and when a signature holds. */
export interface SigningScope {
  readonly region: string
  /** `s3`, `sts`. */
  readonly service: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** SHA-256 of no bytes. */
export const emptyHash = createHash('sha256').digest('hex')

/** SHA-256 in lower-case hex. */
export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A text as paths and queries of signed requests have it: all but unreserved characters as %XX. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A query string in the order in which it is signed. */
export function awsQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([key, value]) => `${awsEncode(key)}=${awsEncode(value)}`)
    .toSorted()
    .join('&')
}

/**
 * The headers that sign a request: time, hash of the body, token and `authorization`.
 * Rules: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signRequest(
  request: SignedRequest,
  credentials: AwsCredentials,
  scope: SigningScope,
): Readonly<Record<string, string>> {
  const time = new Date(scope.now).toISOString().replace(/[-:]|\.\d+/g, '')
  const { accessKeyId, sessionToken } = credentials
  const added: Record<string, string> = {
    'x-amz-date': time,
    'x-amz-content-sha256': request.payloadHash,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const place = [time.slice(0, 8), scope.region, scope.service, 'aws4_request']
  const { text, names } = canonicalRequest(request, added)
  const toSign = ['AWS4-HMAC-SHA256', time, place.join('/'), sha256Hex(text)].join('\n')
  const signature = hmac(signingKey(credentials, place), toSign).toString('hex')
  const parts = [`Credential=${[accessKeyId, ...place].join('/')}`, `SignedHeaders=${names}`]
  return { ...added, authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}, Signature=${signature}` }
}

/** The request in the form of which the hash is signed. */
export function canonicalRequest(
  request: SignedRequest,
  added: Readonly<Record<string, string>>,
): { readonly text: string; readonly names: string } {
  const headers: Record<string, string> = { host: request.url.host }
  for (const [name, value] of Object.entries({ ...request.headers, ...added })) {
    const key = name.toLowerCase()
    if (key.startsWith('x-amz-') || key === 'content-type' || key === 'content-md5')
      headers[key] = value.trim().replace(/ +/g, ' ')
  }
  const sorted = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const names = sorted.map(([name]) => name).join(';')
  const { pathname, search } = request.url
  const text = [
    request.method,
    pathname,
    search.slice(1),
    ...sorted.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    request.payloadHash,
  ].join('\n')
  return { text, names }
}

function signingKey({ secretAccessKey }: AwsCredentials, place: readonly string[]): Buffer {
  return place.reduce<Buffer>((key, text) => hmac(key, text), Buffer.from(`AWS4${secretAccessKey}`))
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
