import { createHash, createHmac } from 'node:crypto'

/** Credentials and the place they are used in. */
export interface AwsSigner {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly region: string
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Percent-encoding of everything but letters, digits and `-._~`. */
export function awsEscape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * The headers with a signature, version 4, over all of them; header names in lower case, the path already escaped.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signAws(
  request: { readonly method: string; readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  signer: AwsSigner,
  nowMs: number,
  payloadHash = 'UNSIGNED-PAYLOAD',
): Record<string, string> {
  const { method, url } = request
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': time,
    ...(signer.sessionToken ? { 'x-amz-security-token': signer.sessionToken } : {}),
  }
  const names = Object.keys(headers).toSorted()
  const query = [...url.searchParams]
    .map(([key, value]) => `${awsEscape(key)}=${awsEscape(value)}`)
    .toSorted()
    .join('&')
  const lines = names.map(name => `${name}:${(headers[name] ?? '').trim()}\n`).join('')
  const canonical = [method, url.pathname, query, lines, names.join(';'), payloadHash].join('\n')
  const scope = `${time.slice(0, 8)}/${signer.region}/s3/aws4_request`
  const parts = [time.slice(0, 8), signer.region, 's3', 'aws4_request']
  const key = parts.reduce<string | Buffer>((k, part) => hmac(k, part), `AWS4${signer.secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex')
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`
  return headers
}
