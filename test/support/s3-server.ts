import { createHash, createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An object of a bucket. */
export interface StoredObject {
  bytes: Buffer
  modified: Date
  readonly metadata: Readonly<Record<string, string>>
}

/** What goes wrong with a request; undefined: nothing. */
export type S3Fault =
  | { readonly status: number; readonly code: string }
  | 'reset'
  | { readonly cutAfter: number }

/** How the server behaves. */
export interface S3ServerOptions {
  /** Secrets by access key. @default test / test-secret */
  readonly accounts?: Readonly<Record<string, string>>
  /** Token that every request has to bring. */
  readonly sessionToken?: string
  /** @default us-east-1 */
  readonly region?: string
  /** @default cache */
  readonly buckets?: readonly string[]
  /** Asked for each request that is signed right, as `METHOD key?query`. */
  readonly fault?: (request: string) => S3Fault | undefined
  /** `127.0.0.1:0` if absent. */
  readonly listen?: { readonly host: string; readonly port: number }
}

/** A small S3 on loopback, in memory, that refuses requests that are not signed right (SigV4). Buckets stand in the path. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly buckets: Set<string>
  /** Objects by `bucket/key`. */
  readonly objects: Map<string, StoredObject>
  /** What was asked so far: `METHOD bucket/key?query`. */
  readonly requests: string[]
  /** Uploads in parts that were neither completed nor taken back. */
  readonly uploads: Map<string, Map<number, Buffer>>
}

class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

/** Starts one. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const objects = new Map<string, StoredObject>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const requests: string[] = []
  const buckets = new Set(options.buckets ?? ['cache'])
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!(error instanceof Refusal)) return response.destroy()
      const body = `<?xml version="1.0"?><Error><Code>${error.code}</Code><Message>refused: ${error.code}</Message></Error>`
      return response
        .writeHead(error.status, { 'content-type': 'application/xml', connection: 'close' })
        .end(request.method === 'HEAD' ? undefined : body)
    })
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server')
    const body = await bodyOf(request)
    const path = decodeURIComponent(url.pathname.slice(1))
    const [bucket = ''] = path.split('/')
    const name = `${request.method} ${path}${url.search}`
    requests.push(name)
    verifySignature(request, body, options)
    const fault = options.fault?.(name)
    if (fault === 'reset') return void response.destroy()
    if (fault !== undefined && 'status' in fault) throw new Refusal(fault.status, fault.code)
    if (request.method === 'PUT' && path === `${bucket}/`.slice(0, path.length) && !path.includes('/')) {
      buckets.add(bucket)
      return void response.end()
    }
    if (!buckets.has(bucket)) throw new Refusal(404, 'NoSuchBucket')
    const cut = fault === undefined ? undefined : fault.cutAfter
    answer({ request, response, path, query: url.searchParams, body, cut, objects, uploads })
  }

  const { host, port } = options.listen ?? { host: '127.0.0.1', port: 0 }
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    buckets,
    objects,
    uploads,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Buffer
  /** The answer breaks off after so many bytes. */
  readonly cut: number | undefined
  readonly objects: Map<string, StoredObject>
  readonly uploads: Map<string, Map<number, Buffer>>
}

function answer(asked: Asked): void {
  const { request, query, response, path, body, objects, uploads } = asked
  const upload = uploads.get(query.get('uploadId') ?? '')
  if (query.has('uploadId') && upload === undefined) throw new Refusal(404, 'NoSuchUpload')
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return send(asked)
    case 'PUT': {
      const source = request.headers['x-amz-copy-source']
      if (typeof source === 'string') return copy(asked, decodeURIComponent(source).replace(/^\//, ''))
      if (upload !== undefined) upload.set(Number(query.get('partNumber')), body)
      else objects.set(path, { bytes: body, modified: new Date(), metadata: metadataOf(request) })
      return void response.writeHead(200, { etag: etag(body) }).end()
    }
    case 'POST': {
      if (query.has('uploads')) {
        const id = randomUUID()
        uploads.set(id, new Map())
        return xml(
          response,
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        )
      }
      return complete(asked, upload ?? new Map())
    }
    case 'DELETE':
      uploads.delete(query.get('uploadId') ?? '')
      return void response.writeHead(204).end()
    default:
      throw new Refusal(405, 'MethodNotAllowed')
  }
}

function send({ request, response, path, cut, objects }: Asked): void {
  const found = objects.get(path)
  if (found === undefined) throw new Refusal(404, 'NoSuchKey')
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const { length } = found.bytes
  if (start > 0 && start >= length) throw new Refusal(416, 'InvalidRange')
  const part = found.bytes.subarray(start)
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': part.length,
    etag: etag(found.bytes),
    'last-modified': found.modified.toUTCString(),
    ...(start > 0 ? { 'content-range': `bytes ${start}-${length - 1}/${length}` } : {}),
  })
  if (request.method === 'HEAD') return void response.end()
  if (cut === undefined || cut >= part.length) return void response.end(part)
  response.write(part.subarray(0, cut), () => response.destroy())
}

function copy({ request, response, path, objects }: Asked, source: string): void {
  const found = objects.get(source)
  if (found === undefined) throw new Refusal(404, 'NoSuchKey')
  if (request.headers['x-amz-metadata-directive'] !== 'REPLACE' && source === path)
    throw new Refusal(400, 'InvalidRequest')
  objects.set(path, { bytes: found.bytes, modified: new Date(), metadata: metadataOf(request) })
  xml(response, `<CopyObjectResult><ETag>${etag(found.bytes)}</ETag></CopyObjectResult>`)
}

function complete(
  { response, path, query, body, objects, uploads }: Asked,
  upload: Map<number, Buffer>,
): void {
  const listed = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>\s*<ETag>([^<]*)<\/ETag>/g)]
  const parts = listed.map(([, number, tag]) => {
    const part = upload.get(Number(number))
    if (part === undefined || tag?.replace(/&#34;|&quot;/g, '"') !== etag(part))
      throw new Refusal(400, 'InvalidPart')
    return part
  })
  objects.set(path, { bytes: Buffer.concat(parts), modified: new Date(), metadata: {} })
  uploads.delete(query.get('uploadId') ?? '')
  xml(response, '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')
}

const etag = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>\n${text}`)
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
  return Object.fromEntries(found.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Works the signature out from the request as it came. Rules: AWS, "Signature Version 4 signing process". */
function verifySignature(request: IncomingMessage, body: Buffer, options: S3ServerOptions): void {
  const { accounts = { test: 'test-secret' }, region = 'us-east-1', sessionToken } = options
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
  const parsed = form.exec(request.headers.authorization ?? '')
  if (parsed === null) throw new Refusal(403, 'AccessDenied')
  const [, id = '', date = '', place = '', names = '', signature = ''] = parsed
  const secret = accounts[id]
  if (secret === undefined) throw new Refusal(403, 'InvalidAccessKeyId')
  if (place !== region) throw new Refusal(400, 'AuthorizationHeaderMalformed')
  if (sessionToken !== undefined && request.headers['x-amz-security-token'] !== sessionToken)
    throw new Refusal(403, 'InvalidToken')
  const signed = names.split(';')
  const must = Object.keys(request.headers).filter(name => name === 'host' || name.startsWith('x-amz-'))
  if (must.some(name => !signed.includes(name))) throw new Refusal(403, 'AccessDenied')
  const hash = String(request.headers['x-amz-content-sha256'])
  if (hash !== 'UNSIGNED-PAYLOAD' && hash !== createHash('sha256').update(body).digest('hex'))
    throw new Refusal(400, 'XAmzContentSHA256Mismatch')
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const canonical = [
    request.method,
    path,
    query
      .split('&')
      .map(pair => (pair === '' || pair.includes('=') ? pair : `${pair}=`))
      .toSorted()
      .join('&'),
    ...signed.map(name => `${name}:${String(request.headers[name]).trim()}`),
    '',
    names,
    hash,
  ].join('\n')
  const time = String(request.headers['x-amz-date'])
  if (Math.abs(Date.now() - timeOf(time)) > 15 * 60_000) throw new Refusal(403, 'RequestTimeTooSkewed')
  const text = [
    'AWS4-HMAC-SHA256',
    time,
    `${date}/${region}/s3/aws4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n')
  let key: Buffer = Buffer.from(`AWS4${secret}`)
  for (const step of [date, region, 's3', 'aws4_request', text])
    key = createHmac('sha256', key).update(step).digest()
  if (key.toString('hex') !== signature) throw new Refusal(403, 'SignatureDoesNotMatch')
}

const timeOf = (time: string): number =>
  Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
